package tokenizer

// Stream decodes one token at a time. It costs the same for every token, however long the text is by then, and never
// returns a part of a UTF-8 character. It is not safe for concurrent use.
type Stream struct {
	t           *Tokenizer
	skipSpecial bool
	stages      []stage
	sinks       []sink // sinks[i] takes what comes out of stages[i]
	text        []byte // decoded and not yet returned
}

// NewStream starts to decode a text; skipSpecial leaves special tokens out.
func (t *Tokenizer) NewStream(skipSpecial bool) *Stream {
	s := &Stream{t: t, skipSpecial: skipSpecial}
	for _, d := range t.decoders {
		s.stages = append(s.stages, d())
	}
	s.sinks = make([]sink, len(s.stages))
	out := sink(func(f fragment) { s.text = append(s.text, f.text...) })
	for i := len(s.stages) - 1; i >= 0; i-- {
		s.sinks[i] = out
		next, stage := out, s.stages[i]
		out = func(f fragment) { stage.push(f, next) }
	}
	return s
}

// Next returns the text that id completes, which may be empty. Ids outside the vocabulary stand for none.
func (s *Stream) Next(id int32) string {
	token, ok := s.t.Token(id)
	if !ok || s.skipSpecial && s.t.special[id] {
		return ""
	}
	s.stages[0].push(fragment{text: token}, s.sinks[0])
	return s.take()
}

// Flush ends the text and returns what was held back. The texts of all calls, joined, are what Decode returns.
func (s *Stream) Flush() string {
	for i, stage := range s.stages {
		stage.flush(s.sinks[i])
	}
	return s.take()
}

func (s *Stream) take() string {
	text := string(s.text)
	s.text = s.text[:0]
	return text
}
