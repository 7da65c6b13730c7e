package tokenizer

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// spPiece is one entry of a SentencePiece vocabulary.
type spPiece struct {
	text  string
	score float32
	kind  spKind
}

// spKind is the type of a piece.
type spKind uint64

const (
	spNormal spKind = iota + 1
	spUnknown
	spControl
	spUserDefined
	spUnused
	spByte
)

// The model types of SentencePiece that lrun reads.
const (
	spUnigram = 1
	spBPE     = 2
)

// spModel is what lrun needs of a SentencePiece model file (sentencepiece_model.proto).
type spModel struct {
	pieces           []spPiece
	kind             uint64 // spUnigram or spBPE
	byteFallback     bool
	suffix           bool             // white space ends words instead of beginning them
	named            map[string]int64 // "unk_token", "bos_token", "eos_token", "pad_token" to an id, -1 for none
	charsmap         []byte
	dummyPrefix      bool
	removeSpaces     bool
	escapeWhitespace bool
}

var errNotSentencePiece = errors.New("not a SentencePiece model, or a truncated one; fetch the file again")

// parseSPModel reads the protobuf and checks its pieces.
func parseSPModel(data []byte) (*spModel, error) {
	m := &spModel{kind: spUnigram, dummyPrefix: true, removeSpaces: true, escapeWhitespace: true}
	m.named = map[string]int64{"unk_token": 0, "bos_token": 1, "eos_token": 2, "pad_token": -1}
	err := eachField(data, func(n protowire.Number, v fieldValue) error {
		switch n {
		case 1:
			return m.addPiece(v.bytes)
		case 2:
			return eachField(v.bytes, m.trainerField)
		case 3:
			return eachField(v.bytes, m.normalizerField)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(m.pieces) == 0 {
		return nil, errNotSentencePiece
	}
	return m, nil
}

func (m *spModel) trainerField(n protowire.Number, v fieldValue) error {
	switch n {
	case 3:
		m.kind = v.number
	case 24:
		m.suffix = v.number != 0
	case 35:
		m.byteFallback = v.number != 0
	case 40:
		m.named["unk_token"] = int64(int32(v.number))
	case 41:
		m.named["bos_token"] = int64(int32(v.number))
	case 42:
		m.named["eos_token"] = int64(int32(v.number))
	case 43:
		m.named["pad_token"] = int64(int32(v.number))
	}
	return nil
}

func (m *spModel) normalizerField(n protowire.Number, v fieldValue) error {
	switch n {
	case 2:
		m.charsmap = v.bytes
	case 3:
		m.dummyPrefix = v.number != 0
	case 4:
		m.removeSpaces = v.number != 0
	case 5:
		m.escapeWhitespace = v.number != 0
	}
	return nil
}

// maxPieceBytes bounds a piece: finding its merges takes the square of its length.
const maxPieceBytes = 1 << 12

func (m *spModel) addPiece(data []byte) error {
	p := spPiece{kind: spNormal}
	err := eachField(data, func(n protowire.Number, v fieldValue) error {
		switch n {
		case 1:
			p.text = string(v.bytes)
		case 2:
			p.score = math.Float32frombits(uint32(v.number))
		case 3:
			p.kind = spKind(v.number)
		}
		return nil
	})
	id := len(m.pieces)
	score := float64(p.score)
	switch {
	case err != nil:
		return err
	case id >= maxID:
		return fmt.Errorf("more than %d pieces", maxID)
	case p.text == "" || !utf8.ValidString(p.text):
		return fmt.Errorf("piece %d: %.40q is empty or not UTF-8", id, p.text)
	case len(p.text) > maxPieceBytes:
		return fmt.Errorf("piece %d: %d bytes long; at most %d are read", id, len(p.text), maxPieceBytes)
	case math.IsNaN(score) || math.IsInf(score, 0):
		return fmt.Errorf("piece %d: %.40q has the score %v", id, p.text, p.score)
	case p.kind < spNormal || p.kind > spByte:
		return fmt.Errorf("piece %d: %.40q is of the unknown type %d", id, p.text, p.kind)
	}
	m.pieces = append(m.pieces, p)
	return nil
}

// fieldValue is the value of a protobuf field: the bytes of a message or string, or the number of anything else.
type fieldValue struct {
	bytes  []byte
	number uint64
}

// eachField calls f for every field of a protobuf message.
func eachField(data []byte, f func(n protowire.Number, v fieldValue) error) error {
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return errNotSentencePiece
		}
		data = data[n:]
		var v fieldValue
		switch kind {
		case protowire.VarintType:
			v.number, n = protowire.ConsumeVarint(data)
		case protowire.Fixed32Type:
			var bits uint32
			bits, n = protowire.ConsumeFixed32(data)
			v.number = uint64(bits)
		case protowire.Fixed64Type:
			v.number, n = protowire.ConsumeFixed64(data)
		case protowire.BytesType:
			v.bytes, n = protowire.ConsumeBytes(data)
		default:
			n = protowire.ConsumeFieldValue(number, kind, data)
		}
		if n < 0 {
			return errNotSentencePiece
		}
		data = data[n:]
		if err := f(number, v); err != nil {
			return err
		}
	}
	return nil
}
