package weights

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// syntaxError marks an error of encoding/json, as against one of the callbacks of eachField.
type syntaxError struct{ error }

// errNotObject: JSON that is no object where one is needed.
var errNotObject = errors.New("it is not a JSON object")

// eachField calls field for each name of the JSON object in data, in order, and with the decoder before the value, which
// field must consume. Unlike decoding into a map it sees duplicate names, and returns ErrDuplicate.
func eachField(data []byte, field func(name string, dec *json.Decoder) error) error {
	// Token alone lets some malformed JSON pass.
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		return &syntaxError{err}
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber() // a number of a thousand digits would be an error that quotes it
	open, err := dec.Token()
	if err != nil {
		return &syntaxError{err}
	}
	if open != json.Delim('{') {
		return &syntaxError{errNotObject}
	}
	seen := map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return &syntaxError{err}
		}
		name, ok := token.(string)
		if !ok {
			return &syntaxError{errNotObject}
		}
		if seen[name] {
			return fmt.Errorf("%w %s", ErrDuplicate, quote(name))
		}
		seen[name] = true
		if err := field(name, dec); err != nil {
			return err
		}
	}
	return nil
}

// stringMap decodes a JSON object whose values are all strings.
func stringMap(data []byte) (map[string]string, error) {
	m := map[string]string{}
	err := eachField(data, func(name string, dec *json.Decoder) error {
		var value any
		if err := dec.Decode(&value); err != nil {
			return &syntaxError{err}
		}
		text, ok := value.(string)
		if !ok {
			return fmt.Errorf("the value of %s is not a string", quote(name))
		}
		m[name] = text
		return nil
	})
	return m, err
}

// maxQuote bounds what a file's content adds to an error, in bytes.
const maxQuote = 120

// quote prints a name of the file's on one line.
func quote(name string) string {
	if len(name) <= maxQuote {
		return strconv.Quote(name)
	}
	cut := maxQuote
	for cut > 0 && !utf8.RuneStart(name[cut]) {
		cut--
	}
	return strconv.Quote(name[:cut]) + "..."
}

// clip prints JSON of the file's on one line.
func clip(value json.RawMessage) string {
	var flat bytes.Buffer
	if err := json.Compact(&flat, value); err != nil || flat.Len() > maxQuote {
		return fmt.Sprintf("(%d bytes of JSON)", len(value))
	}
	return flat.String()
}
