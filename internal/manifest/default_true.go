package manifest

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// DefaultTrue is the opposite of a field whose default is true. Its zero value is
// therefore the default, which manifests and Go code may omit.
type DefaultTrue bool

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (i *DefaultTrue) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	var b bool
	err := json.UnmarshalDecode(d, &b)
	*i = DefaultTrue(!b)
	return err
}

// MarshalJSONTo implements json.MarshalerTo.
func (i DefaultTrue) MarshalJSONTo(e *jsontext.Encoder) error {
	return e.WriteToken(jsontext.Bool(!bool(i)))
}
