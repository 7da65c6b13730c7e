package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// isNull says whether a section of a JSON file is absent or null.
func isNull(data json.RawMessage) bool {
	return len(data) == 0 || bytes.Equal(bytes.TrimSpace(data), []byte("null"))
}

// decodeSection decodes the section at path into v; its errors name the field and both types on one line.
func decodeSection(path string, data json.RawMessage, v any) error {
	err := json.Unmarshal(data, v)
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		return fmt.Errorf("%s: want %s, found a JSON %s", joinPath(path, wrong.Field), jsonName(wrong.Type.Kind().String()),
			wrong.Value)
	}
	return fmt.Errorf("%s: %s", joinPath(path), strings.TrimPrefix(err.Error(), "json: "))
}

// joinPath joins the parts of a field's name with dots; the empty name stands for the file as a whole.
func joinPath(parts ...string) string {
	var named []string
	for _, part := range parts {
		if part != "" {
			named = append(named, part)
		}
	}
	if len(named) == 0 {
		return "the file"
	}
	return strings.Join(named, ".")
}

// jsonName is the JSON word for a Go kind.
func jsonName(kind string) string {
	switch {
	case kind == "struct" || kind == "map":
		return "an object"
	case kind == "slice" || kind == "array":
		return "an array"
	case kind == "bool":
		return "true or false"
	case kind == "string":
		return "a string"
	case strings.HasPrefix(kind, "int") || strings.HasPrefix(kind, "uint"):
		return "a 32-bit integer"
	}
	return "a number"
}
