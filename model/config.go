package model

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/internal/files"
)

// Config reads a config.json by Hugging Face's keys. The first key that is missing or of the wrong type is kept as an
// error, so that a declaration reads its fields without checks in between; later reads give zeros.
type Config struct {
	file string
	path string // of a nested object: "attn_config."
	raw  map[string]json.RawMessage
	err  *error

	method   string // replaces the rope's scaling; "": it does not
	declared int    // the longest that a text will be; 0: not known
}

// ParseConfig reads a config.json; file is its name in errors.
func ParseConfig(file string, data []byte) (*Config, error) {
	c := &Config{file: file, err: new(error)}
	if err := json.Unmarshal(files.Finite(data), &c.raw); err != nil {
		return nil, fmt.Errorf("%s is not a JSON object: %w", file, err)
	}
	if c.raw == nil {
		return nil, fmt.Errorf("%s is null, want a JSON object", file)
	}
	return c, nil
}

// Err is the first thing that was wrong, or nil.
func (c *Config) Err() error { return *c.err }

func (c *Config) fail(key, format string, args ...any) {
	if *c.err == nil {
		*c.err = fmt.Errorf("%s: %s%s %s", c.file, c.path, key, fmt.Sprintf(format, args...))
	}
}

// Has reports whether the key is there and not null.
func (c *Config) Has(key string) bool {
	v, ok := c.raw[key]
	return ok && string(v) != "null"
}

// Null reports whether the key is there as null.
func (c *Config) Null(key string) bool { return string(c.raw[key]) == "null" }

// read decodes the key into v and reports whether it was there.
func read[T any](c *Config, key, want string, v *T) bool {
	if !c.Has(key) {
		return false
	}
	if err := json.Unmarshal(c.raw[key], v); err != nil {
		c.fail(key, "is %.40s, want %s", c.raw[key], want)
	}
	return true
}

// largest bounds every size in a config: no real one comes near, and products of three stay in 64 bits.
const largest = 1 << 20

// limit is the largest value of a key: what is counted one by one when a model is declared has a lower one.
func limit(key string) int {
	for _, counted := range []string{"layer", "head", "expert"} {
		if strings.Contains(key, counted) {
			return 1 << 10
		}
	}
	return largest
}

// Int is a whole number from 1 to the key's limit that must be there.
func (c *Config) Int(key string) int {
	if !c.Has(key) {
		c.fail(key, "is missing")
		return 1
	}
	return c.IntOr(key, 1)
}

// IntOr is a whole number from 1 to the key's limit, or def.
func (c *Config) IntOr(key string, def int) int {
	v := float64(def)
	if !read(c, key, "a whole number", &v) {
		return def
	}
	if v != math.Trunc(v) || v < 1 || v > float64(limit(key)) {
		c.fail(key, "is %v, want a whole number from 1 to %d", v, limit(key))
		return 1
	}
	return int(v)
}

// countOr is a whole number from 0 to the key's limit, or def.
func (c *Config) countOr(key string, def int) int {
	v := float64(def)
	if read(c, key, "a whole number", &v) && (v != math.Trunc(v) || v < 0 || v > float64(limit(key))) {
		c.fail(key, "is %v, want a whole number from 0 to %d", v, limit(key))
	}
	return int(v)
}

// contextOr is IntOr for lengths, which may be far larger.
func (c *Config) contextOr(key string, def int) int {
	v := float64(def)
	read(c, key, "a whole number", &v)
	if v < 1 || v > 1<<40 {
		c.fail(key, "is %v, want a length in tokens", v)
		return 1
	}
	return int(v)
}

// FloatOr is a finite number, or def.
func (c *Config) FloatOr(key string, def float64) float64 {
	read(c, key, "a number", &def)
	if math.Abs(def) > math.MaxFloat32 {
		c.fail(key, "is %v, which f32 cannot hold", def)
	}
	return def
}

// BoolOr is true or false, or def.
func (c *Config) BoolOr(key string, def bool) bool {
	read(c, key, "true or false", &def)
	return def
}

// StringOr is a text, or def.
func (c *Config) StringOr(key, def string) string {
	read(c, key, "a text", &def)
	return def
}

// Object is a nested object, empty where there is none.
func (c *Config) Object(key string) *Config {
	inner := &Config{file: c.file, path: c.path + key + ".", err: c.err}
	read(c, key, "an object", &inner.raw)
	return inner
}

// first is the first of the keys that is there, or the last: how one setting is read under its names through time.
func (c *Config) first(keys ...string) string {
	for _, k := range keys[:len(keys)-1] {
		if c.Has(k) {
			return k
		}
	}
	return keys[len(keys)-1]
}

// activations are Hugging Face's names of them.
var activations = map[string]backend.Activation{
	"silu": backend.SiLU, "swish": backend.SiLU,
	"gelu": backend.GELU, "gelu_python": backend.GELU,
	"gelu_new": backend.GELUTanh, "gelu_pytorch_tanh": backend.GELUTanh, "gelu_fast": backend.GELUTanh,
	"gelu_accurate": backend.GELUTanh, "quick_gelu": backend.QuickGELU,
	"relu": backend.ReLU, "relu2": backend.ReLU2, "sigmoid": backend.Sigmoid, "tanh": backend.Tanh,
	"linear": backend.Identity,
}

// activation is the nonlinearity that a key names, or the one named def.
func (c *Config) activation(key, def string) backend.Activation {
	name := c.StringOr(key, def)
	act, ok := activations[name]
	if !ok {
		c.fail(key, "%q is not an activation that lrun knows (%s)", name, strings.Join(slices.Sorted(maps.Keys(activations)), ", "))
	}
	return act
}
