package manifest

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// DefaultTrue is a field that is true in the manifest where it is not given. It
// has the opposite of what the manifest says, so that its zero value, the
// default, can be left out of the manifest and out of Go code.
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
