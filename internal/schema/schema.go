// Package schema generates the JSON Schemas of the manifests from their types, from the
// comments in their source, and from the checks that bkt reads them with. Only the test that
// keeps the folder schemas/ up to date uses it; bkt has the files.
//
// The schemas are of draft 7, which editors support best. A schema accepts every manifest
// that bkt reads. It refuses what bkt refuses by form: what can be seen in one value, or in
// the fields of one object. It knows nothing of names that contradict each other elsewhere
// in the manifest.
package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"bkt/internal/manifest"
	"bkt/schemas"
)

// Generate returns the schema of a manifest. source is the folder with the source of
// package manifest.
func Generate(f manifest.File, source string) ([]byte, error) {
	comments, err := readComments(source)
	if err != nil {
		return nil, err
	}
	s := comments.ofType(f.Type)
	s.Schema = "http://json-schema.org/draft-07/schema#"
	s.ID = schemas.ID(strings.TrimSuffix(f.Name, ".json"))
	s.Title = f.Name
	if err := errors.Join(addRules(s, f), s.undescribed("")); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	s.finish()
	return s.text()
}

// A schema is a JSON Schema, with what is known of it before it is complete.
type schema struct {
	Schema      string   `json:"$schema,omitempty"`
	ID          string   `json:"$id,omitempty"`
	Title       string   `json:"title,omitempty"`
	Description string   `json:"description,omitempty"`
	Type        any      `json:"type,omitempty"` // a string or several
	Default     any      `json:"default,omitempty"`
	Const       any      `json:"const,omitempty"`
	Enum        []string `json:"enum,omitempty"`

	MinLength int       `json:"minLength,omitempty"`
	MaxLength *int      `json:"maxLength,omitempty"`
	Pattern   string    `json:"pattern,omitempty"`
	Message   string    `json:"patternErrorMessage,omitempty"` // of VS Code
	Minimum   *int      `json:"minimum,omitempty"`
	Items     *schema   `json:"items,omitempty"`
	MinItems  int       `json:"minItems,omitempty"`
	MaxItems  *int      `json:"maxItems,omitempty"`
	Unique    bool      `json:"uniqueItems,omitempty"`
	Fields    fields    `json:"properties,omitempty"`
	MinFields int       `json:"minProperties,omitempty"`
	Names     *schema   `json:"propertyNames,omitempty"`
	Others    any       `json:"additionalProperties,omitempty"` // false, or the schema of values whose names the user chooses
	Required  []string  `json:"required,omitempty"`
	Not       *schema   `json:"not,omitempty"`
	AnyOf     []*schema `json:"anyOf,omitempty"`
	OneOf     []*schema `json:"oneOf,omitempty"`
	AllOf     []*schema `json:"allOf,omitempty"`
	If        *schema   `json:"if,omitempty"`
	Then      *schema   `json:"then,omitempty"`
	Else      *schema   `json:"else,omitempty"`

	of    reflect.Type       // what it is the schema of
	check func(string) error // what its texts must pass; nil: nothing
	empty bool               // an empty text is not checked
}

// fields are the fields of an object, in their order.
type fields []*field

type field struct {
	name string
	*schema
}

// find returns the schema of a field.
func (f fields) find(name string) (*schema, bool) {
	for _, one := range f {
		if one.name == name {
			return one.schema, true
		}
	}
	return nil, false
}

// MarshalJSON implements json.Marshaler.
func (f fields) MarshalJSON() ([]byte, error) {
	text := bytes.NewBufferString("{")
	for i, one := range f {
		value, err := one.text()
		if err != nil {
			return nil, err
		}
		if i > 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(text, "%q:%s", one.name, value)
	}
	text.WriteByte('}')
	return text.Bytes(), nil
}

// text returns the schema as JSON in ASCII: patterns have characters that cannot be seen.
func (s *schema) text() ([]byte, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		return nil, err
	}
	return escape(text.String()), nil
}

// undescribed returns an error for each field without a description.
func (s *schema) undescribed(at string) error {
	var errs []error
	for _, f := range s.Fields {
		if f.Description == "" {
			errs = append(errs, fmt.Errorf("%s/%s has no comment in its type", at, f.name))
		}
		errs = append(errs, f.undescribed(at+"/"+f.name))
	}
	for _, part := range s.parts() {
		errs = append(errs, part.undescribed(at))
	}
	return errors.Join(errs...)
}

// parts returns the schemas of items and of values whose names the user chooses.
func (s *schema) parts() []*schema {
	var all []*schema
	if s.Items != nil {
		all = append(all, s.Items)
	}
	if others, ok := s.Others.(*schema); ok {
		all = append(all, others)
	}
	return all
}

// finish adds the form of texts, and the conditions of objects.
func (s *schema) finish() {
	for _, f := range s.Fields {
		f.finish()
	}
	for _, part := range s.parts() {
		part.finish()
	}
	if s.Names != nil {
		s.Names.finish()
	}
	if s.check != nil {
		formOf(s.check).addTo(s)
		s.check = nil // items can be those of two lists
	}
	addConditions(s)
}
