// Package testdata holds the model that the lrun command runs where it is given none: a small trained Llama, described in
// tiny/MODEL_CARD.md. Beside it lie fixtures that the tests read from disk.
package testdata

import (
	"embed"
	"io/fs"
)

//go:embed tiny
var files embed.FS

// Tiny is the checkpoint folder of the embedded model.
func Tiny() fs.FS {
	tiny, err := fs.Sub(files, "tiny")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return tiny
}
