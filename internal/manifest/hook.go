package manifest

import (
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A Hook is a shell command that a box runs at every start.
type Hook struct {
	Run      string   `json:"run"`
	As       string   `json:"as,omitempty"`       // "user" or "root"
	Volatile []string `json:"volatile,omitempty"` // paths that may differ after each run
	Comment  string   `json:"comment,omitempty"`
	Bare     bool     `json:"-"` // written as a string
}

func (h *Hook) as(kind jsontext.Kind) any {
	switch kind {
	case '"':
		h.Bare = true
		return &h.Run
	case '{':
		return (*hook)(h)
	}
	return nil
}

// A hook is a Hook in the form of an object.
type hook Hook

// MarshalJSONTo implements json.MarshalerTo.
func (h Hook) MarshalJSONTo(e *jsontext.Encoder) error {
	if reflect.DeepEqual(h, Hook{Run: h.Run, Bare: true}) {
		return e.WriteToken(jsontext.String(h.Run))
	}
	return json.MarshalEncode(e, hook(h))
}

func (h Hook) canonical() Hook {
	h.Volatile = sorted(h.Volatile, strings.Compare)
	return h
}

func (h Hook) check(o object) {
	if h.Bare {
		o.verify(o.at, "hook", h.Run, checkCommand)
	} else {
		o.required("run", h.Run, checkCommand)
	}
	o.optional("as", h.As, checkOneOf("user", "root"))
	o.list("volatile", "path", h.Volatile, checkHomely)
	o.comment(h.Comment)
}
