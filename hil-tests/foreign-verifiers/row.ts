/** What a program that nobody here wrote made of something of ours. */
export interface Row {
  /** What of it was changed; begins with "nothing", after the program's name, where it is as it was made. */
  readonly changed: string;
  readonly accepted: boolean;
  readonly said: string;
}

/** What nobody changed is to be accepted, and all else refused. */
export const isAsItShould = ({ changed, accepted }: Row): boolean => accepted === /^(?:\S+: )?nothing/.test(changed);
