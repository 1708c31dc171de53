package testkit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// OutputsDocument and OutputsSchema are the files that describe the output of --json, from
// the top of the sources.
const (
	OutputsDocument = "docs/json.md"
	OutputsSchema   = "docs/json.schema.json"
)

// outputRow matches a row of the table of commands.
var outputRow = regexp.MustCompile("(?m)^\\| `bkt ([^`]+)` \\| ([^|]*) \\|")

// Outputs returns the names of the objects that each command prints with --json, by its
// document. A command that prints none has no names.
func Outputs() (map[string][]string, error) {
	top, err := sources()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(top, OutputsDocument))
	all := map[string][]string{}
	for _, m := range outputRow.FindAllStringSubmatch(string(text), -1) {
		names := []string{}
		for _, name := range regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(m[2], -1) {
			names = append(names, name[1])
		}
		all[m[1]] = names
	}
	return all, err
}

// null matches a null in JSON that is indented.
var null = regexp.MustCompile(`(?m)(^|: )null,?$`)

// valid is the script command "valid COMMAND": the last output on stdout must be the object
// in JSON that the document describes for that command of bkt, without fields that it does
// not describe.
func valid(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: valid COMMAND")
	}
	outputs, err := Outputs()
	ts.Check(err)
	schemas, err := outputSchemas()
	ts.Check(err)
	if len(outputs[args[0]]) == 0 {
		ts.Fatalf("%s has no output of %q", OutputsDocument, args[0])
	}
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	for n := 0; ; n++ {
		var raw json.RawMessage
		err := decoder.Decode(&raw)
		if errors.Is(err, io.EOF) && n > 0 {
			return
		}
		ts.Check(err)
		if several := []string{"drift resolve", "init"}; n > 0 && !slices.Contains(several, args[0]) {
			ts.Fatalf("more than one object")
		}
		var errs []error
		for _, name := range outputs[args[0]] {
			value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
			if err == nil {
				err = schemas[name].Validate(value)
			}
			errs = append(errs, err)
		}
		if !slices.Contains(errs, nil) {
			ts.Fatalf("%s", errors.Join(errs...))
		}
		if null.Match(raw) {
			ts.Fatalf("a value is null:\n%s", raw)
		}
	}
}

// outputSchemas are the schemas of the objects by their names. For programs, an object may
// get new fields; here each field must be described.
var outputSchemas = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	top, err := sources()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(top, OutputsSchema))
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		return nil, err
	}
	closeObjects(doc)
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("outputs.json", doc); err != nil {
		return nil, err
	}
	all := map[string]*jsonschema.Schema{}
	definitions, _ := doc.(map[string]any)["$defs"].(map[string]any)
	for name := range definitions {
		if all[name], err = compiler.Compile("outputs.json#/$defs/" + name); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", OutputsSchema, name, err)
		}
	}
	return all, nil
})

// closeObjects forbids other properties in all objects of a schema.
func closeObjects(value any) {
	switch v := value.(type) {
	case map[string]any:
		if _, isObject := v["properties"].(map[string]any); isObject && v["type"] == "object" {
			v["additionalProperties"] = false
		}
		for _, below := range v {
			closeObjects(below)
		}
	case []any:
		for _, below := range v {
			closeObjects(below)
		}
	}
}

// sources returns the top folder of the sources of the module, in which the test runs.
func sources() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("no go.mod above the test")
}
