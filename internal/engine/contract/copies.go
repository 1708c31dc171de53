package contract

import (
	"slices"
	"strconv"
	"strings"
)

// CopyPrefix begins the ID of a copy of a home on an engine. Each record of the cache
// with files of the copy has the ID in its description, or is made from one that has.
const CopyPrefix = "bkt-home-copy-"

// CopyFilter is a filter for records that have the ID of any copy of a home.
var CopyFilter = "description~=" + strconv.Quote(CopyPrefix)

// A Record is a record of an engine's cache.
type Record struct {
	ID          string
	Description string
	Parents     []string // the IDs of the records that it is made from
}

// CopyFilters returns a filter for each record with files of a copy of a home; id is
// that of the copy, or [CopyPrefix] for all copies. list returns the records of the engine
// that a filter selects, or all without one.
func CopyFilters(list func(filters ...string) ([]Record, error), id string) ([]string, error) {
	// Most often there are none. Other records need not be measured then.
	some, err := list(CopyFilter)
	if err != nil || len(some) == 0 {
		return nil, err
	}
	all, err := list()
	if err != nil {
		return nil, err
	}
	return copyFilters(all, id), nil
}

func copyFilters(records []Record, id string) []string {
	children := map[string][]string{}
	var rest []string
	for _, r := range records {
		for _, parent := range r.Parents {
			children[parent] = append(children[parent], r.ID)
		}
		if strings.Contains(r.Description, id) {
			rest = append(rest, r.ID)
		}
	}
	found := map[string]bool{}
	for len(rest) > 0 {
		next := rest[0]
		rest = rest[1:]
		if !found[next] {
			found[next] = true
			rest = append(rest, children[next]...)
		}
	}
	var filters []string
	for next := range found {
		filters = append(filters, "id=="+strconv.Quote(next))
	}
	slices.Sort(filters)
	return filters
}
