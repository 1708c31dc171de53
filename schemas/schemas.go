// Package schemas has the JSON Schemas of the manifests, for editors and
// validators. They are generated from the types and checks in package manifest, by
// package schema.
package schemas

import "embed"

// FS has the schemas by file name: NAME.schema.json for manifests/NAME.json.
//
//go:embed *.schema.json
var FS embed.FS

// ID returns the identifier in the schema of manifests/NAME.json. It is a name, and no
// address.
func ID(name string) string { return "urn:bkt:schema:" + name }
