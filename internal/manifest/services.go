package manifest

import (
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// Services says which units of systemd start by themselves: systemd-services.json.
type Services struct {
	Schema   string               `json:"$schema,omitempty"`
	Services map[string]UnitState `json:"services"`       // of the system
	User     map[string]UnitState `json:"user,omitempty"` // of the user
}

// A UnitState says whether a unit starts by itself ("enabled"), when something
// asks for it ("disabled") or never ("masked").
type UnitState string

// The states of units.
const (
	UnitEnabled  UnitState = "enabled"
	UnitDisabled UnitState = "disabled"
	UnitMasked   UnitState = "masked"
)

func (f Services) check(r *report) {
	checkUnits(r, "/services", f.Services)
	checkUnits(r, "/user", f.User)
}

func checkUnits(r *report, at jsontext.Pointer, units map[string]UnitState) {
	check := checkOneOf(string(UnitEnabled), string(UnitDisabled), string(UnitMasked))
	for _, name := range slices.Sorted(maps.Keys(units)) {
		if p := at.AppendToken(name); r.verify(p, "unit", name, checkUnit) {
			r.verify(p, "state", string(units[name]), check)
		}
	}
}
