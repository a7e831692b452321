// Verifies a log in tiles (c2sp.org/tlog-tiles) with golang.org/x/mod/sumdb/note and tlog: the signed checkpoint, that
// the tiles lead to its root, and each entry of each bundle as a record of that tree.
//
//	tiles DIR VERIFIER-KEY
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// reader reads tiles of a folder; tlog's own paths have the height in them, and data tiles beside the hashes.
type reader struct{ folder string }

func (reader) Height() int                       { return height }
func (reader) SaveTiles([]tlog.Tile, [][]byte)   {}
func pathOf(tile tlog.Tile) string               { return strings.Replace(tile.Path(), "tile/8/", "tile/", 1) }
func (r reader) read(path string) ([]byte, error) { return os.ReadFile(filepath.Join(r.folder, path)) }

func (r reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := r.read(pathOf(tile))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func main() {
	r := reader{os.Args[1]}
	key, err := note.NewVerifier(os.Args[2])
	must(err)
	text, err := r.read("checkpoint")
	must(err)
	opened, err := note.Open(text, note.VerifierList(key))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	must(err)
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	hashes := tlog.TileHashReader(tree, r)
	checked := int64(0)
	for first := int64(0); first < size; first += 256 {
		width := size - first
		if width > 256 {
			width = 256
		}
		path := pathOf(tlog.Tile{H: height, L: 0, N: first / 256, W: int(width)})
		data, err := r.read(strings.Replace(path, "tile/0/", "tile/entries/", 1))
		must(err)
		for i := int64(0); i < width; i++ {
			length := int(binary.BigEndian.Uint16(data))
			proof, err := tlog.ProveRecord(size, first+i, hashes)
			must(err)
			must(tlog.CheckRecord(proof, size, tree.Hash, first+i, tlog.RecordHash(data[2:2+length])))
			data = data[2+length:]
			checked++
		}
		if len(data) > 0 {
			log.Fatal("bytes after a bundle's last entry")
		}
	}
	fmt.Printf("%d entries in tiles, size %d\n", checked, size)
}
