package manifest

import (
	"bytes"
	"fmt"
	"path"
	"strings"
)

// SchemaFolder is the folder of a repository for the schemas of its manifests.
const SchemaFolder = "schemas"

// SchemaPath returns the path in a repository of the schema of a manifest with a path or a
// name.
func SchemaPath(name string) string {
	return SchemaFolder + "/" + strings.TrimSuffix(path.Base(name), ".json") + ".schema.json"
}

// AddSchema returns the text of a valid manifest without "$schema" with one: a path from
// its folder, as editors take it.
func AddSchema(name string, text []byte) []byte {
	open := bytes.IndexByte(text, '{') + 1
	schema := fmt.Sprintf("\n  \"$schema\": %q", "../"+SchemaPath(name))
	rest := text[open:]
	content := bytes.TrimLeft(rest, " \t\r\n")
	switch {
	case content[0] == '}':
		schema, rest = schema+"\n", content
	case bytes.HasPrefix(bytes.TrimLeft(rest, " \t\r"), []byte("\n")):
		schema += ","
	default:
		schema, rest = schema+",\n  ", content
	}
	return bytes.Join([][]byte{text[:open], []byte(schema), rest}, nil)
}
