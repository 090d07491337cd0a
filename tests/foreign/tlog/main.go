// Reads a log that was saved as files and verifies it with golang.org/x/mod/sumdb, of which nothing is ours.
//
// Its one argument is a folder with the checkpoint, the keys, and the tiles and entry bundles under tile/, as the
// service hands them out. Prints how many entries the checkpoint's root covers, or says what is wrong and ends with 1.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

func main() {
	size, err := verify(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(size)
}

func verify(folder string) (int64, error) {
	tree, err := signed(folder)
	if err != nil {
		return 0, err
	}
	// Every hash that this gives is of tiles that the root of the checkpoint covers, or it is an error.
	hashes := tlog.TileHashReader(tree, tiles{folder})
	for first := int64(0); first < tree.N; first += 1 << height {
		width := tree.N - first
		if width > 1<<height {
			width = 1 << height
		}
		if err := entries(folder, first, int(width), hashes); err != nil {
			return 0, err
		}
	}
	return tree.N, nil
}

func signed(folder string) (tlog.Tree, error) {
	var tree tlog.Tree
	keys, err := os.ReadFile(filepath.Join(folder, "keys"))
	if err != nil {
		return tree, err
	}
	verifier, err := note.NewVerifier(strings.SplitN(string(keys), "\n", 2)[0])
	if err != nil {
		return tree, err
	}
	raw, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return tree, err
	}
	opened, err := note.Open(raw, note.VerifierList(verifier))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if lines[0] != verifier.Name() {
		return tree, fmt.Errorf("the checkpoint is of %s", lines[0])
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return tree, err
}

// entries holds one bundle to the leaves that the tiles name.
func entries(folder string, first int64, width int, hashes tlog.HashReader) error {
	path := tlog.Tile{H: height, L: -1, N: first >> height, W: width}.Path()
	bundle, err := os.ReadFile(filepath.Join(folder, "tile", "entries", strings.TrimPrefix(path, "tile/8/data/")))
	if err != nil {
		return err
	}
	indexes := make([]int64, width)
	for at := range indexes {
		indexes[at] = tlog.StoredHashIndex(0, first+int64(at))
	}
	leaves, err := hashes.ReadHashes(indexes)
	if err != nil {
		return err
	}
	for at, leaf := range leaves {
		if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
			return fmt.Errorf("the bundle ends before entry %d", first+int64(at))
		}
		end := 2 + int(binary.BigEndian.Uint16(bundle))
		if tlog.RecordHash(bundle[2:end]) != leaf {
			return fmt.Errorf("entry %d is not the one in the tree", first+int64(at))
		}
		bundle = bundle[end:]
	}
	if len(bundle) != 0 {
		return fmt.Errorf("the bundle goes on behind entry %d", first+int64(width)-1)
	}
	return nil
}

// tiles reads tiles where C2SP tlog-tiles says that they are: without the height, which is always 8.
type tiles struct{ folder string }

func (tiles) Height() int { return height }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range wanted {
		path := "tile/" + strings.TrimPrefix(tile.Path(), "tile/8/")
		raw, err := os.ReadFile(filepath.Join(t.folder, path))
		if err != nil {
			return nil, err
		}
		read = append(read, raw)
	}
	return read, nil
}

func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}
