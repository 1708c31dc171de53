package schema

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"reflect"
	"strings"

	"bkt/internal/manifest"
	"bkt/internal/strictjson"

	"github.com/go-json-experiment/json/jsontext"
)

// comments are those of types, by TYPE, and of their fields, by TYPE.FIELD.
type comments map[string]string

// common are the comments of fields that many types have.
var common = comments{
	"$schema": "where editors find the schema of this file: a path from the folder of the file, or a URL",
	"comment": "a note for people, which bkt keeps",
}

// readComments returns the comments in the source of a package.
func readComments(folder string) (comments, error) {
	entries, err := fs.ReadDir(os.DirFS(folder), ".")
	if err != nil {
		return nil, err
	}
	all := comments{}
	var errs []error
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), folder+"/"+e.Name(), nil, parser.ParseComments)
		errs = append(errs, err)
		for _, d := range file.Decls {
			if types, ok := d.(*ast.GenDecl); ok && types.Tok == token.TYPE {
				all.addTypes(types)
			}
		}
	}
	return all, errors.Join(errs...)
}

func (c comments) addTypes(types *ast.GenDecl) {
	for _, spec := range types.Specs {
		t := spec.(*ast.TypeSpec)
		c[t.Name.Name] = oneLine(types.Doc)
		s, ok := t.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, f := range s.Fields.List {
			text := oneLine(f.Comment)
			if text == "" {
				text = oneLine(f.Doc)
			}
			for _, name := range f.Names {
				c[t.Name.Name+"."+name.Name] = text
			}
		}
	}
}

func oneLine(c *ast.CommentGroup) string {
	return strings.Join(strings.Fields(c.Text()), " ")
}

// ofType returns the schema of a type, without the form of its texts.
func (c comments) ofType(t reflect.Type) *schema {
	if t == reflect.TypeFor[jsontext.Value]() {
		return &schema{of: t}
	}
	if t == reflect.TypeFor[manifest.DefaultTrue]() {
		return &schema{Type: "boolean", Default: true, of: t}
	}
	if u, ok := reflect.New(t).Interface().(strictjson.Union); ok {
		return c.ofUnion(t, u)
	}
	s := &schema{of: t, Description: c[t.Name()]}
	switch t.Kind() {
	case reflect.Pointer:
		return c.ofType(t.Elem())
	case reflect.Struct:
		s.Type, s.Others = "object", false
		s.Fields = c.ofFields(t)
	case reflect.Map:
		s.Type, s.Others = "object", c.ofType(t.Elem())
	case reflect.Slice:
		s.Type, s.Items = "array", c.ofType(t.Elem())
	case reflect.String:
		s.Type = "string"
	case reflect.Bool:
		s.Type = "boolean"
	case reflect.Int:
		s.Type = "integer"
	case reflect.Uint:
		s.Type, s.Minimum = "integer", new(int)
	default:
		panic("no schema of " + t.String())
	}
	return s
}

// ofUnion returns the schema of a type that is an object or, for short, its first field.
func (c comments) ofUnion(t reflect.Type, u strictjson.Union) *schema {
	s := &schema{of: t, Description: c[t.Name()], Others: false, Fields: c.ofFields(t)}
	var forms []string
	if u.Form('"') != nil {
		forms = append(forms, "string")
	}
	if u.Form('[') != nil {
		forms = append(forms, "array")
		s.Items = s.Fields[0].Items
	}
	s.Type = append(forms, "object")
	return s
}

func (c comments) ofFields(t reflect.Type) fields {
	var all fields
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		s := c.ofType(f.Type)
		if text := c[t.Name()+"."+f.Name]; text != "" {
			s.Description = text
		} else if s.Description == "" {
			s.Description = common[name]
		}
		all = append(all, &field{name, s})
	}
	return all
}
