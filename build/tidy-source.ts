/** The tidy rules that need one source file: sizes, default exports, leftovers, and what a pure file may not use. */
import ts from "typescript";

export interface Violation {
  readonly path: string;
  /** 1-based. */
  readonly line: number;
  readonly rule: string;
  /** What was found, and what is allowed. */
  readonly text: string;
}

/** One parsed file; `path` is relative to the repository, with `/`. */
export interface Source {
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

export interface Import {
  readonly specifier: string;
  readonly line: number;
}

const FUNCTION_LINES = 70;
const FILE_LINES = 500;
const LINE_COLUMNS = 120;

/** Globals that would bring the outside, or time, into a pure file. */
const IMPURE_GLOBALS = new Set([
  "Buffer", "process", "setTimeout", "setInterval", "setImmediate", "queueMicrotask", "performance", "crypto",
  "Promise", "fetch", "console", "require", "globalThis",
]);
const PURE_ADVICE = "a pure file is handed time, chance and the outside as arguments, and is synchronous";

export function parse(path: string, text: string): Source {
  const kind = path.endsWith(".ts") ? ts.ScriptKind.TS : ts.ScriptKind.JS;
  return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, kind) };
}

/** A test, a fuzzer or a benchmark: free to use the outside, and bound by the sizes all the same. */
export function isTestFile(path: string): boolean {
  return /\.(test|fuzz|bench)\.ts$/.test(path);
}

export function lineOf(source: Source, position: number): number {
  return source.tree.getLineAndCharacterOfPosition(position).line + 1;
}

function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

/** Every module that the file names: import, export from, `import()`, `import(...)` types and `require`. */
export function importsOf(source: Source): Import[] {
  const found: Import[] = [];
  const add = (node: ts.Node | undefined): void => {
    if (node === undefined || !ts.isStringLiteralLike(node)) return;
    found.push({ specifier: node.text, line: lineOf(source, node.getStart()) });
  };
  walk(source.tree, (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) add(node.moduleSpecifier);
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal);
    if (!ts.isCallExpression(node)) return;
    const loads = node.expression.kind === ts.SyntaxKind.ImportKeyword ||
      (ts.isIdentifier(node.expression) && node.expression.text === "require");
    if (loads) add(node.arguments[0]);
  });
  return found;
}

function functionName(node: ts.Node): string {
  const named = node as ts.Node & { name?: ts.Node };
  if (named.name !== undefined) return named.name.getText();
  return ts.isVariableDeclaration(node.parent) ? node.parent.name.getText() : "a function";
}

/** Sizes of the file, its lines and its functions. */
export function checkSizes(source: Source): Violation[] {
  const { path, text, tree } = source;
  const found: Violation[] = [];
  const lines = text.replace(/\n$/, "").split("\n");
  if (lines.length > FILE_LINES) {
    const says = `${lines.length} lines; a file has at most ${FILE_LINES}`;
    found.push({ path, line: FILE_LINES + 1, rule: "file-size", text: says });
  }
  lines.forEach((line, index) => {
    const columns = [...line].length;
    const says = `${columns} columns; a line has at most ${LINE_COLUMNS}`;
    if (columns > LINE_COLUMNS) found.push({ path, line: index + 1, rule: "line-size", text: says });
  });
  walk(tree, (node) => {
    if (!ts.isFunctionLike(node) || (node as ts.FunctionLikeDeclaration).body === undefined) return;
    const line = lineOf(source, node.getStart());
    const length = lineOf(source, node.getEnd()) - line + 1;
    const says = `${functionName(node)} has ${length} lines; a function has at most ${FUNCTION_LINES}`;
    if (length > FUNCTION_LINES) found.push({ path, line, rule: "function-size", text: says });
  });
  return found;
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true;
  if (ts.isExportSpecifier(node)) return node.name.text === "default";
  const modifiers = ts.canHaveModifiers(node) ? ts.getModifiers(node) ?? [] : [];
  return modifiers.some((modifier) => modifier.kind === ts.SyntaxKind.DefaultKeyword);
}

/** The spans between tokens that hold comments (and white space). */
function commentSpans(source: Source): { start: number; text: string }[] {
  const spans: { start: number; text: string }[] = [];
  const visit = (node: ts.Node): void => {
    if (node.kind >= ts.SyntaxKind.FirstJSDocNode && node.kind <= ts.SyntaxKind.LastJSDocNode) return;
    const children = node.getChildren(source.tree);
    if (children.length > 0) return children.forEach(visit);
    const start = node.getFullStart();
    spans.push({ start, text: source.text.slice(start, node.getStart(source.tree)) });
  };
  visit(source.tree);
  return spans;
}

/** Default exports, and what was meant to be taken out again: marks in comments, and tests narrowed to one. */
export function checkHabits(source: Source): Violation[] {
  const { path } = source;
  const found: Violation[] = [];
  const add = (position: number, rule: string, text: string): void => {
    found.push({ path, line: lineOf(source, position), rule, text });
  };
  walk(source.tree, (node) => {
    if (isDefaultExport(node)) add(node.getStart(), "default-export", "a default export; exports have names");
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return;
    const { name } = node.expression;
    if (name.text === "only") add(name.getStart(), "leftover", "a call of .only; every test runs");
  });
  for (const span of commentSpans(source)) {
    for (const match of span.text.matchAll(/\b(TODO|FIXME)\b/g)) {
      add(span.start + match.index, "leftover", `${match[0]} in a comment; what is undone belongs in an issue`);
    }
  }
  return found;
}

function bindsName(name: ts.BindingName | undefined, wanted: string): boolean {
  if (name === undefined) return false;
  if (ts.isIdentifier(name)) return name.text === wanted;
  return name.elements.some((element) => ts.isBindingElement(element) && bindsName(element.name, wanted));
}

function importBinds(clause: ts.ImportClause | undefined, wanted: string): boolean {
  if (clause === undefined) return false;
  const { name, namedBindings } = clause;
  if (name?.text === wanted) return true;
  if (namedBindings === undefined) return false;
  if (ts.isNamespaceImport(namedBindings)) return namedBindings.name.text === wanted;
  return namedBindings.elements.some((element) => element.name.text === wanted);
}

const listBinds = (list: ts.VariableDeclarationList, wanted: string): boolean =>
  list.declarations.some((declaration) => bindsName(declaration.name, wanted));

function statementBinds(statement: ts.Statement, wanted: string): boolean {
  if (ts.isVariableStatement(statement)) return listBinds(statement.declarationList, wanted);
  if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) return statement.name?.text === wanted;
  return ts.isImportDeclaration(statement) && importBinds(statement.importClause, wanted);
}

/** Whether `scope`, by itself, declares `wanted` for what is inside it. */
function declares(scope: ts.Node, wanted: string): boolean {
  if (ts.isFunctionLike(scope)) return scope.parameters.some((parameter) => bindsName(parameter.name, wanted));
  if (ts.isSourceFile(scope) || ts.isBlock(scope) || ts.isCaseOrDefaultClause(scope)) {
    return scope.statements.some((statement) => statementBinds(statement, wanted));
  }
  if (ts.isCatchClause(scope)) return bindsName(scope.variableDeclaration?.name, wanted);
  if (!ts.isForStatement(scope) && !ts.isForOfStatement(scope) && !ts.isForInStatement(scope)) return false;
  return scope.initializer !== undefined && ts.isVariableDeclarationList(scope.initializer) &&
    listBinds(scope.initializer, wanted);
}

/** Whether an identifier is read as the value of a variable that no scope around it declares: a global. */
function isGlobalUse(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) return false;
  if (ts.isBindingElement(parent) && parent.initializer !== node) return false;
  const isName = (parent as ts.Node & { name?: ts.Node }).name === node;
  if (isName && !ts.isShorthandPropertyAssignment(parent)) return false;
  if (ts.isExportSpecifier(parent) || ts.isImportSpecifier(parent)) return false;
  for (let scope: ts.Node = parent; scope !== undefined; scope = scope.parent) {
    if (declares(scope, node.text)) return false;
  }
  return true;
}

/** `Date` and `Math` are pure but for the clock and the dice; anything but their known pure uses counts as those. */
function impureUse(node: ts.Identifier): string | undefined {
  const { parent, text } = node;
  const member = ts.isPropertyAccessExpression(parent) && parent.expression === node ? parent.name.text : undefined;
  if (IMPURE_GLOBALS.has(text)) return text;
  if (text === "Math") return member === undefined || member === "random" ? `Math.${member ?? "?"}` : undefined;
  if (text !== "Date") return undefined;
  if (member !== undefined) return member === "UTC" || member === "parse" ? undefined : `Date.${member}`;
  const given = ts.isNewExpression(parent) ? parent.arguments?.length ?? 0 : undefined;
  if (given !== undefined) return given > 0 ? undefined : "new Date() without argument";
  const compared = ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword;
  return compared ? undefined : "Date as a value";
}

function impureSyntax(node: ts.Node): string | undefined {
  if (ts.isAwaitExpression(node)) return "await";
  if (ts.isForOfStatement(node) && node.awaitModifier !== undefined) return "for await";
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return "async";
  return node.kind === ts.SyntaxKind.ImportKeyword && ts.isCallExpression(node.parent) ? "import()" : undefined;
}

/** Clocks, chance, timers, promises and the outside, in a file that must be pure. Types may name them. */
export function checkPurity(source: Source): Violation[] {
  const found: Violation[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return;
    const what = ts.isIdentifier(node) && isGlobalUse(node) ? impureUse(node) : impureSyntax(node);
    if (what !== undefined) {
      const line = lineOf(source, node.getStart());
      found.push({ path: source.path, line, rule: "purity", text: `${what}; ${PURE_ADVICE}` });
    }
    ts.forEachChild(node, visit);
  };
  visit(source.tree);
  return found;
}
