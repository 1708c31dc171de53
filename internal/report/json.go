package report

import (
	"encoding/json"

	"bkt/internal/live"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// Domains is the output of --json. Version increases when a field changes its meaning
// or is removed.
type Domains struct {
	Version int      `json:"version"`
	Domains []Domain `json:"domains"`
}

// A Domain is a domain in the output of --json.
type Domain struct {
	Name   string   `json:"name"`
	State  string   `json:"state"` // "in step", "differs" or "unavailable"
	Reason string   `json:"reason,omitempty"`
	InStep int      `json:"in_step"` // number of items
	Notes  []string `json:"notes,omitempty"`
	Items  []Item   `json:"items"` // the items that differ

	Absent  bool         `json:"absent,omitempty"`   // unavailable, because there is nothing to read
	Unread  []UnreadPart `json:"unread,omitempty"`   // parts that could not be read
	Hidden  []string     `json:"hidden,omitempty"`   // keys of items that may be in such a part
	LeftOut []LeftOut    `json:"left_out,omitempty"` // what exists and a capture does not write
}

// An UnreadPart is a part of a domain that could not be read, in the output of --json.
type UnreadPart struct {
	What  string `json:"what"`
	Error string `json:"error"`
}

// A LeftOut is something that exists and that a capture does not write, in the output of
// --json.
type LeftOut struct {
	Reason string `json:"reason"` // a plural noun
	What   string `json:"what"`
}

// An Item is an item that differs, in the output of --json.
type Item struct {
	Key      string          `json:"key"`
	Case     reconcile.Case  `json:"case"`
	Op       plan.Op         `json:"op,omitempty"`
	Base     json.RawMessage `json:"base,omitempty"`
	Live     json.RawMessage `json:"live,omitempty"`
	Manifest json.RawMessage `json:"manifest,omitempty"`
	Result   live.Result     `json:"result,omitempty"`
	Error    string          `json:"error,omitempty"`
}

// newCapture returns domains and the items in them as the --json of a capture prints them.
func newCapture(domains []*live.Domain, items []live.Item) Domains {
	j := NewDomains(domains, items)
	for n, d := range domains {
		for _, l := range d.LeftOut() {
			j.Domains[n].LeftOut = append(j.Domains[n].LeftOut, LeftOut{l.Reason, l.What})
		}
	}
	return j
}

// NewDomains returns domains and the items in them as --json prints them.
func NewDomains(domains []*live.Domain, items []live.Item) Domains {
	of := map[*live.Domain][]Item{}
	for _, i := range items {
		of[i.Domain] = append(of[i.Domain], newItem(i))
	}
	j := Domains{Version: 1, Domains: []Domain{}}
	for _, d := range domains {
		j.Domains = append(j.Domains, newDomain(d, of[d]))
	}
	return j
}

func newDomain(d *live.Domain, items []Item) Domain {
	j := Domain{Name: d.Name(), State: "in step", Items: []Item{}}
	switch {
	case d.Err != nil:
		j.State, j.Reason, j.Absent = "unavailable", d.Err.Error(), d.IsAbsent()
		return j
	case len(items) > 0:
		j.State, j.Items = "differs", items
	}
	j.InStep, j.Notes = d.UpToDate(), d.Comparison.Notes()
	for _, part := range d.Unread() {
		j.Unread = append(j.Unread, UnreadPart{part.What, part.Err.Error()})
	}
	for _, key := range d.Comparison.Hidden() {
		j.Hidden = append(j.Hidden, live.MaskKey(key))
	}
	return j
}

func newItem(i live.Item) Item {
	d := live.MaskDifference(i.Difference)
	j := Item{d.Key, d.Case, i.Op, d.Base, d.Live, d.Manifest, i.Result, ""}
	if i.Err != nil {
		j.Error = i.Err.Error()
	}
	return j
}
