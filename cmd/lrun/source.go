package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"time"
	"unicode/utf8"
)

// pieceBytes is how much of a stream is read at once; it is cut where words end.
const pieceBytes = 64 << 10

// source is a text without end, in pieces that are cut between words.
type source struct {
	pieces chan string
	err    error // why pieces ended; nil at the end of the text
}

// openSource reads a file from an offset on, or stdin for "-". With follow it waits for more at the end of the file.
func openSource(ctx context.Context, name string, stdin io.Reader, offset int64, follow bool) (*source, error) {
	in, closing := stdin, func() error { return nil }
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		if _, err := f.Seek(offset, io.SeekStart); offset > 0 && err != nil {
			return nil, errors.Join(err, f.Close())
		}
		in, closing = f, f.Close
	}
	s := &source{pieces: make(chan string, 2)}
	go func() {
		defer close(s.pieces)
		s.err = errors.Join(s.run(ctx, in, follow), closing())
	}()
	return s, nil
}

// run sends pieces until the text or the context ends.
func (s *source) run(ctx context.Context, in io.Reader, follow bool) error {
	var held []byte // the beginning of a word
	buf := make([]byte, pieceBytes)
	for {
		n, err := in.Read(buf)
		held = append(held, buf[:n]...)
		if end := errors.Is(err, io.EOF); end || n == 0 || len(held) >= pieceBytes {
			at := len(held)
			if !end || follow {
				at = wordEnd(held)
			}
			if !s.send(ctx, held[:at]) {
				return nil
			}
			held = append(held[:0], held[at:]...)
		}
		switch {
		case errors.Is(err, io.EOF) && follow:
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(200 * time.Millisecond):
			}
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

func (s *source) send(ctx context.Context, piece []byte) bool {
	if len(piece) == 0 {
		return ctx.Err() == nil
	}
	select {
	case s.pieces <- string(piece):
		return true
	case <-ctx.Done():
		return false
	}
}

// wordEnd is how much of a text ends before a space; where it is a long one without any, before a character that may lack
// its end.
func wordEnd(text []byte) int {
	if at := bytes.LastIndexAny(text, " \n\t"); at > 0 {
		return at
	}
	if len(text) < pieceBytes {
		return 0
	}
	at := len(text) - 1
	for at > len(text)-utf8.UTFMax && !utf8.RuneStart(text[at]) {
		at--
	}
	return at
}
