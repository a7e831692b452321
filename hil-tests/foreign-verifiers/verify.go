// Verifies a file of evidence with golang.org/x/mod/sumdb/note and tlog, and Go's own Ed25519: the signed checkpoint,
// each entry's inclusion, the witnesses' cosignatures, and that the cosigned checkpoint is the log's beginning.
//
//	verify evidence.json keys.json
//
// keys.json: {"log": "<verifier key>", "witnesses": {"<key name>": "<raw key, base64>"}}.
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type evidence struct {
	Log struct {
		Checkpoint string
		Cosigned   *struct {
			Note        string
			Consistency []tlog.Hash
		}
	}
	Entries []struct {
		Index int64
		Entry []byte
		Proof []tlog.Hash
	}
}

type keys struct {
	Log       string
	Witnesses map[string][]byte
}

// cosigner is the note.Verifier of c2sp.org/tlog-cosignature, key type 0x04.
type cosigner struct {
	name string
	key  ed25519.PublicKey
}

func (c cosigner) Name() string { return c.name }

func (c cosigner) KeyHash() uint32 {
	hash := sha256.Sum256(append([]byte(c.name+"\n\x04"), c.key...))
	return binary.BigEndian.Uint32(hash[:])
}

func (c cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	signed := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(sig), msg)
	return ed25519.Verify(c.key, []byte(signed), sig[8:])
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func read(path string, into any) {
	data, err := os.ReadFile(path)
	must(err)
	must(json.Unmarshal(data, into))
}

// tree opens a note and gives the tree that its checkpoint is of, and how many signatures were verified.
func tree(text string, verifiers note.Verifiers) (tlog.Tree, int) {
	opened, err := note.Open([]byte(text), verifiers)
	must(err)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || len(opened.UnverifiedSigs) > 0 {
		log.Fatal("not a checkpoint of three lines that is signed by known keys alone")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	must(err)
	var hash tlog.Hash
	copy(hash[:], root)
	return tlog.Tree{N: size, Hash: hash}, len(opened.Sigs)
}

func main() {
	var file evidence
	var known keys
	read(os.Args[1], &file)
	read(os.Args[2], &known)
	logKey, err := note.NewVerifier(known.Log)
	must(err)
	all := []note.Verifier{logKey}
	for name, key := range known.Witnesses {
		all = append(all, cosigner{name, key})
	}
	newest, _ := tree(file.Log.Checkpoint, note.VerifierList(logKey))
	for _, one := range file.Entries {
		must(tlog.CheckRecord(one.Proof, newest.N, newest.Hash, one.Index, tlog.RecordHash(one.Entry)))
	}
	cosignatures := 0
	if file.Log.Cosigned != nil {
		before, signatures := tree(file.Log.Cosigned.Note, note.VerifierList(all...))
		cosignatures = signatures - 1
		if before.N == newest.N {
			if before.Hash != newest.Hash {
				log.Fatal("two trees of one size")
			}
		} else {
			must(tlog.CheckTree(file.Log.Cosigned.Consistency, newest.N, newest.Hash, before.N, before.Hash))
		}
	}
	fmt.Printf("%d entries, %d cosignatures, size %d\n", len(file.Entries), cosignatures, newest.N)
}
