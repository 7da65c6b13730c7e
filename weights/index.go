package weights

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// parseIndex reads the weight_map of a model.safetensors.index.json: tensor name to the file name of its shard. The
// index's own metadata is ignored: its total_size is often wrong.
func parseIndex(file string, data []byte) (map[string]string, error) {
	weightMap, err := findWeightMap(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, tensor := range slices.Sorted(maps.Keys(weightMap)) {
		if shard := weightMap[tensor]; !plainName(shard) {
			return nil, fmt.Errorf("%s: tensor %s: %w: %s: shards must lie beside the index", file, quote(tensor), ErrShardName, quote(shard))
		}
	}
	return weightMap, nil
}

func findWeightMap(data []byte) (weightMap map[string]string, err error) {
	if strings.HasPrefix(string(data[:min(len(data), len(lfsPointer))]), lfsPointer) {
		return nil, fmt.Errorf("%w: %s", ErrPointer, lfsRemedy)
	}
	err = eachField(data, func(name string, dec *json.Decoder) error {
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return &syntaxError{err}
		}
		if name != "weight_map" {
			return nil
		}
		weightMap, err = stringMap(value)
		if err != nil {
			return fmt.Errorf("weight_map: %w", err)
		}
		return nil
	})
	switch {
	case errors.Is(err, ErrDuplicate):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %v: %s", ErrIndex, err, tryAgain)
	case len(weightMap) == 0:
		return nil, fmt.Errorf("%w: it has no weight_map, or an empty one: %s", ErrIndex, tryAgain)
	}
	return weightMap, nil
}

// plainName tells whether a shard's name stays in its folder on every system: no separator, no drive, no "..". What the
// name links to is not restricted: in a Hugging Face cache every file is a link to ../../blobs.
func plainName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\\:\x00")
}
