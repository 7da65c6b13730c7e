package lrun

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"

	"github.com/lrun/lrun/internal/files"
	"github.com/lrun/lrun/memory"
	"github.com/lrun/lrun/weights"
)

// A session's file is sessionMagic, a version, a header in JSON with its length before it, the token ids, the sequence as
// the model writes it, and the SHA-256 of all that.
const (
	sessionMagic   = "lrun session\n"
	sessionVersion = 2
)

// ErrSessionFile is the error of a file that is no session, is damaged, or is one of another model or of other options.
var ErrSessionFile = errors.New("not a session of this model")

// sessionHeader says what a session belongs to.
type sessionHeader struct {
	Model   string // its kind, shape and weights
	Options string // what of the options the cache depends on
	IDs     int
	Note    string // the caller's
}

// header is that of the model's sessions. Where blocks are kept does not matter.
func (m *Model) header() sessionHeader {
	i, policy := m.info, m.policy
	if l, ok := policy.(memory.InfLLM); ok {
		l.HostLimit, l.SpillDir = 0, ""
		policy = l
	}
	return sessionHeader{
		Model:   fmt.Sprintf("%s %d layers of %d, vocabulary %d, weights %08x", i.Type, i.Layers, i.Dim, i.Vocab, m.weights),
		Options: fmt.Sprintf("memory %+v, rope %+v, kv %d bytes a token", policy, ropeNames(i.Ropes), i.KVTokenBytes) + extras(i),
	}
}

// extras is what a session depends on beside that, where anything: files from before there was any stay good.
func extras(i Info) string {
	text := ""
	if i.Mitigation != "" {
		text = ", mitigation " + i.Mitigation
	}
	if i.Quant != "" {
		text += ", weights in " + i.Quant
	}
	return text
}

func ropeNames(ropes []RopeInfo) (names []string) {
	for _, r := range ropes {
		names = append(names, r.Summary)
	}
	return names
}

// fingerprint tells weights from others: a checksum of a sample of every tensor.
func fingerprint(c *weights.Checkpoint) uint32 {
	sum := crc32.NewIEEE()
	first := make([]float32, 1024)
	for _, name := range c.Names() {
		t, _ := c.Tensor(name)
		io.WriteString(sum, name)
		sum.Write(t.Data[:min(len(t.Data), 4096)])
		if t.Packed() {
			n := t.ReadFloat32(first, 0)
			binary.Write(sum, binary.LittleEndian, first[:n])
		}
	}
	return sum.Sum32()
}

// Save writes the session to a file, which is replaced as a whole and only when all went well. The note comes back with it.
func (s *Session) Save(ctx context.Context, path, note string) error {
	if !s.busy.TryLock() {
		return errBusy
	}
	defer s.busy.Unlock()
	if s.device.reads == nil {
		return errSessionClosed
	}
	head := s.m.header()
	head.IDs, head.Note = len(s.ids), note
	err := files.Replace(path, func(w io.Writer) error {
		sum := sha256.New()
		if err := s.write(ctx, io.MultiWriter(w, sum), head); err != nil {
			return err
		}
		_, err := w.Write(sum.Sum(nil))
		return err
	})
	if err != nil {
		return fmt.Errorf("the session was not saved: %w", files.Error(path, err))
	}
	return nil
}

func (s *Session) write(ctx context.Context, w io.Writer, head sessionHeader) error {
	text, err := json.Marshal(head)
	if err != nil {
		return err
	}
	start := binary.LittleEndian.AppendUint32([]byte(sessionMagic), sessionVersion)
	start = append(binary.LittleEndian.AppendUint32(start, uint32(len(text))), text...)
	if _, err := w.Write(start); err != nil {
		return err
	}
	if err := binary.Write(w, binary.LittleEndian, s.ids); err != nil {
		return err
	}
	return s.m.net.Save(ctx, s.seq, w)
}

// LoadSession goes on with a session that Save wrote, of the same model with the same options. Its checksum is looked at
// before anything is made of it. The errors are ErrSessionFile and those of the file and the device.
func (m *Model) LoadSession(ctx context.Context, path string) (*Session, string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	size, err := verified(f)
	if err != nil {
		return nil, "", files.Error(path, err)
	}
	s, note, err := m.readSession(ctx, bufio.NewReaderSize(io.LimitReader(f, size), 1<<20))
	if err != nil {
		return nil, "", files.Error(path, err)
	}
	return s, note, nil
}

// verified checks a session's checksum, and returns how many bytes it covers, with f at the start.
func verified(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	size := info.Size() - sha256.Size
	if !info.Mode().IsRegular() || size < int64(len(sessionMagic)) {
		return 0, fmt.Errorf("%w: %d bytes", ErrSessionFile, info.Size())
	}
	var sum hash.Hash = sha256.New()
	if _, err := io.CopyN(sum, f, size); err != nil {
		return 0, err
	}
	want := make([]byte, sha256.Size)
	if _, err := io.ReadFull(f, want); err != nil {
		return 0, err
	}
	if !bytes.Equal(sum.Sum(nil), want) {
		return 0, fmt.Errorf("%w: the checksum is wrong, the file is damaged or no session", ErrSessionFile)
	}
	_, err = f.Seek(0, io.SeekStart)
	return size, err
}

// readSession reads a session without its checksum.
func (m *Model) readSession(ctx context.Context, r io.Reader) (*Session, string, error) {
	head, err := readHeader(r)
	if err != nil {
		return nil, "", err
	}
	own := m.header()
	switch {
	case head.Model != own.Model:
		return nil, "", fmt.Errorf("%w: it is one of %s; this is %s", ErrSessionFile, head.Model, own.Model)
	case head.Options != own.Options:
		return nil, "", fmt.Errorf("%w with these options: it was made with %s; now there is %s", ErrSessionFile, head.Options, own.Options)
	case head.IDs < 0 || head.IDs > 1<<40:
		return nil, "", fmt.Errorf("%w: %d tokens", ErrSessionFile, head.IDs)
	}
	ids, err := readIDs(r, head.IDs)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrSessionFile, err)
	}
	for i, id := range ids {
		if id < 0 || int(id) >= m.net.Spec.Vocab {
			return nil, "", fmt.Errorf("%w: token %d is %d", ErrSessionFile, i, id)
		}
	}
	seq, err := m.net.Restore(ctx, r)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrSessionFile, err)
	}
	if seq.Len() > len(ids) {
		m.net.Release(seq)
		return nil, "", fmt.Errorf("%w: %d tokens in the cache, of %d", ErrSessionFile, seq.Len(), len(ids))
	}
	s, err := m.session(seq, ids)
	return s, head.Note, err
}

func readHeader(r io.Reader) (head sessionHeader, err error) {
	start := make([]byte, len(sessionMagic)+8)
	if _, err := io.ReadFull(r, start); err != nil || string(start[:len(sessionMagic)]) != sessionMagic {
		return head, ErrSessionFile
	}
	version := binary.LittleEndian.Uint32(start[len(sessionMagic):])
	if version != sessionVersion {
		return head, fmt.Errorf("%w: version %d, this lrun reads %d", ErrSessionFile, version, sessionVersion)
	}
	n := int64(binary.LittleEndian.Uint32(start[len(sessionMagic)+4:]))
	text, err := io.ReadAll(io.LimitReader(r, n))
	if err != nil {
		return head, err
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return head, fmt.Errorf("%w: %w", ErrSessionFile, err)
	}
	return head, nil
}

// readIDs reads n token ids, without trust in n.
func readIDs(r io.Reader, n int) ([]int32, error) {
	var ids []int32
	for len(ids) < n {
		piece := make([]int32, min(n-len(ids), 1<<16))
		if err := binary.Read(r, binary.LittleEndian, piece); err != nil {
			return nil, err
		}
		ids = append(ids, piece...)
	}
	return ids, nil
}
