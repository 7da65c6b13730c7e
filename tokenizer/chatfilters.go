package tokenizer

import (
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/nikolalohinski/gonja/v2/builtins"
	"github.com/nikolalohinski/gonja/v2/exec"
)

// chatFilters is gonja's filters with lists that index as Python's do and a tojson like Python's.
func chatFilters() *exec.FilterSet {
	set := map[string]exec.FilterFunction{"tojson": filterToJSON, "items": filterItems, "trim": filterTrim,
		"dictsort": filterDictSort, "format": filterFormat, "indent": filterIndent}
	for _, name := range []string{
		"abs", "attr", "capitalize", "default", "d", "e", "escape", "first", "float",
		"groupby", "int", "join", "last", "length", "count", "list", "lower", "map", "max", "min",
		"rejectattr", "reject", "replace", "reverse", "round", "safe", "selectattr", "select", "sort", "string",
		"sum", "title", "truncate", "unique", "upper", "urlencode", "wordcount",
	} {
		filter, _ := builtins.Filters.Get(name)
		set[name] = func(e *exec.Evaluator, in *exec.Value, params *exec.VarArgs) *exec.Value {
			return toList(filter(e, in, params))
		}
	}
	return exec.NewFilterSet(set)
}

// filterToJSON is tojson(indent, ensure_ascii, separators, sort_keys); the last three are read and ignored but for
// separators, which templates use for compact output.
func filterToJSON(_ *exec.Evaluator, in *exec.Value, params *exec.VarArgs) *exec.Value {
	style := jsonStyle{item: ", ", key: ": "}
	indent := params.KwArgs["indent"]
	if len(params.Args) > 0 {
		indent = params.Args[0]
	}
	if indent != nil && indent.IsInteger() {
		if n := indent.Integer(); n < 0 || n > 16 {
			return exec.AsValue(errors.New("tojson takes an indent of 0 to 16"))
		}
		style.indent = strings.Repeat(" ", indent.Integer())
		style.item = ","
	}
	if s := params.KwArgs["separators"]; s != nil && s.IsList() && s.Len() == 2 {
		style.item, style.key = s.Index(0).String(), s.Index(1).String()
	}
	data, err := appendJSON(nil, in, style, 0)
	if err != nil {
		return exec.AsValue(err)
	}
	return exec.AsValue(string(data))
}

func filterItems(_ *exec.Evaluator, in *exec.Value, _ *exec.VarArgs) *exec.Value {
	if in.IsNil() {
		return exec.AsValue(jinjaList{})
	}
	if !in.IsDict() {
		return exec.AsValue(errors.New("items takes a dictionary"))
	}
	return exec.AsValue(dictItems(in))
}

// filterTrim strips all white space, or the characters of its argument, as str.strip does.
func filterTrim(_ *exec.Evaluator, in *exec.Value, params *exec.VarArgs) *exec.Value {
	if in.IsError() {
		return in
	}
	if len(params.Args) > 0 {
		return exec.AsValue(strings.Trim(in.String(), params.Args[0].String()))
	}
	return exec.AsValue(strings.TrimFunc(in.String(), unicode.IsSpace))
}

// filterDictSort is dictsort, by key.
func filterDictSort(_ *exec.Evaluator, in *exec.Value, params *exec.VarArgs) *exec.Value {
	if !in.IsDict() || len(params.Args)+len(params.KwArgs) > 0 {
		return exec.AsValue(errors.New("dictsort takes a dictionary and sorts it by key"))
	}
	items := dictItems(in)
	key := func(item any) string { return strings.ToLower(exec.ToValue(item.(jinjaList)[0]).String()) }
	slices.SortStableFunc(items, func(a, b any) int { return strings.Compare(key(a), key(b)) })
	return exec.AsValue(items)
}

// filterFormat is the % of Python's strings, as far as %s, %d and %% go; all else is left to gonja.
func filterFormat(e *exec.Evaluator, in *exec.Value, params *exec.VarArgs) *exec.Value {
	parts := strings.Split(strings.ReplaceAll(in.String(), "%%", "\x00"), "%")
	out := parts[0]
	for i, part := range parts[1:] {
		if i >= len(params.Args) || part == "" || part[0] != 's' && part[0] != 'd' {
			gonja, _ := builtins.Filters.Get("format")
			return gonja(e, in, params)
		}
		out += params.Args[i].String() + part[1:]
	}
	return exec.AsValue(strings.ReplaceAll(out, "\x00", "%"))
}

// filterIndent is indent(width, first): spaces before each line but the first, and but blank ones.
func filterIndent(_ *exec.Evaluator, in *exec.Value, params *exec.VarArgs) *exec.Value {
	width, first, blank := 4, false, false
	if err := strArgs(params, []string{"width", "first", "blank"}, &width, &first, &blank); err != nil {
		return exec.AsValue(err)
	}
	if width < 0 || width > 1024 {
		return exec.AsValue(errors.New("indent takes a width of 0 to 1024"))
	}
	lines := strings.Split(in.String(), "\n")
	for i, line := range lines {
		if (i > 0 || first) && (line != "" || blank || i == 0) {
			lines[i] = strings.Repeat(" ", width) + line
		}
	}
	return exec.AsValue(strings.Join(lines, "\n"))
}

// dictItems is the pairs of a dictionary in order.
func dictItems(v *exec.Value) jinjaList {
	items := jinjaList{}
	for _, key := range v.Keys() {
		value, _ := v.GetItem(key.Interface())
		items = append(items, jinjaList{key.Interface(), value.Interface()})
	}
	return items
}

// chatTests is gonja's tests, with those that differ from Jinja2's replaced.
func chatTests() *exec.TestSet {
	test := func(is func(v *exec.Value) bool) exec.TestFunction {
		return func(_ *exec.Context, in *exec.Value, _ *exec.VarArgs) (bool, error) { return is(in), nil }
	}
	sequence := func(v *exec.Value) bool { return v.IsList() || v.IsString() || v.IsDict() }
	set := map[string]exec.TestFunction{
		"true":     test(func(v *exec.Value) bool { return v.IsBool() && v.Bool() }),
		"false":    test(func(v *exec.Value) bool { return v.IsBool() && !v.Bool() }),
		"sequence": test(sequence),
		"iterable": test(sequence),
		"number":   test(func(v *exec.Value) bool { return v.IsNumber() || v.IsBool() }),
		"odd":      test(func(v *exec.Value) bool { return v.IsInteger() && v.Integer()%2 != 0 }),
	}
	for _, name := range []string{
		"boolean", "callable", "defined", "divisibleby", "eq", "equalto", "==", "even", "float", "ge", ">=", "gt",
		"greaterthan", ">", "in", "integer", "le", "<=", "lower", "lt", "lessthan", "<", "mapping", "ne", "!=", "none",
		"sameas", "string", "undefined", "upper",
	} {
		set[name], _ = builtins.Tests.Get(name)
	}
	return exec.NewTestSet(set)
}

// chatMethods is gonja's methods with lists that index as Python's do and dictionaries that keep their order.
func chatMethods() exec.Methods {
	methods := builtins.Methods
	methods.Str = strMethods()
	methods.Dict = exec.NewMethodSet(map[string]exec.Method[map[string]any]{
		"items": func(_ map[string]any, v *exec.Value, _ *exec.VarArgs) (any, error) { return dictItems(v), nil },
		"keys": func(_ map[string]any, v *exec.Value, _ *exec.VarArgs) (any, error) {
			keys := jinjaList{}
			for _, key := range v.Keys() {
				keys = append(keys, key.Interface())
			}
			return keys, nil
		},
		"values": func(_ map[string]any, v *exec.Value, _ *exec.VarArgs) (any, error) {
			values := jinjaList{}
			for _, key := range v.Keys() {
				value, _ := v.GetItem(key.Interface())
				values = append(values, value.Interface())
			}
			return values, nil
		},
		"get": dictGet,
	})
	return methods
}

// dictGet is dict.get(key, default).
func dictGet(_ map[string]any, v *exec.Value, args *exec.VarArgs) (any, error) {
	if len(args.Args) < 1 || len(args.Args) > 2 {
		return nil, errors.New("get takes one or two arguments")
	}
	if value, ok := v.GetItem(args.Args[0].Interface()); ok {
		return value.Interface(), nil
	}
	if len(args.Args) == 2 {
		return args.Args[1].Interface(), nil
	}
	return nil, nil
}
