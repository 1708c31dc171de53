package contract

import (
	"encoding/json"
	"fmt"
	"io"
)

// A Need is something that an engine needs on the machine.
type Need struct {
	Name  string
	Found string // the part that exists
	Err   error  // the part that is missing; nil if nothing is

	Optional bool // the engine also works without it
}

// Needs are all needs of a version of bkt-engine.
type Needs struct {
	Version string // of the program
	All     []Need
}

type needsJSON struct {
	Version string     `json:"version"`
	Needs   []needJSON `json:"needs"`
}

type needJSON struct {
	Name    string   `json:"name"`
	Found   string   `json:"found,omitempty"`
	Reasons []reason `json:"reasons,omitempty"`

	Optional bool `json:"optional,omitempty"`
}

// Write writes n for [ReadNeeds].
func (n Needs) Write(w io.Writer) error {
	j := needsJSON{Version: n.Version, Needs: []needJSON{}}
	for _, need := range n.All {
		j.Needs = append(j.Needs, needJSON{need.Name, need.Found, reasons(need.Err), need.Optional})
	}
	return json.NewEncoder(w).Encode(j)
}

// ReadNeeds reads the output of [Needs.Write]. A missing requirement is a [StartError].
func ReadNeeds(r io.Reader) (Needs, error) {
	var j needsJSON
	if err := json.NewDecoder(r).Decode(&j); err != nil {
		return Needs{}, fmt.Errorf("needs of the engine: %w", err)
	}
	n := Needs{Version: j.Version}
	for _, need := range j.Needs {
		n.All = append(n.All, Need{need.Name, need.Found, failure{need.Reasons, StatusUnfit}.err(), need.Optional})
	}
	return n, nil
}
