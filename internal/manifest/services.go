package manifest

import (
	"maps"
	"slices"

	"bkt/internal/strictjson"

	"github.com/go-json-experiment/json/jsontext"
)

// Services has the states of systemd's units: systemd-services.json.
type Services struct {
	Schema   string               `json:"$schema,omitempty"`
	Services map[string]UnitState `json:"services"`       // of the system
	User     map[string]UnitState `json:"user,omitempty"` // of the user
}

// A UnitState says whether a unit starts automatically ("enabled"), on request
// ("disabled") or never ("masked").
type UnitState string

// The states of units.
const (
	UnitEnabled  UnitState = "enabled"
	UnitDisabled UnitState = "disabled"
	UnitMasked   UnitState = "masked"
)

// A Service is one entry of [Services].
type Service struct {
	Scope Scope     `json:"scope"`
	Unit  string    `json:"unit"`
	State UnitState `json:"state"`
}

// Key returns scope and unit.
func (s Service) Key() string { return string(s.Scope) + "/" + s.Unit }

func (f Services) check(r *strictjson.Report) {
	checkUnits(r, "/services", f.Services)
	checkUnits(r, "/user", f.User)
}

func checkUnitState(s string) error {
	return strictjson.OneOf(string(UnitEnabled), string(UnitDisabled), string(UnitMasked))(s)
}

func checkUnits(r *strictjson.Report, at jsontext.Pointer, units map[string]UnitState) {
	for _, name := range slices.Sorted(maps.Keys(units)) {
		if p := at.AppendToken(name); r.VerifyName(p, "unit", name, checkUnit) {
			r.Verify(p, "state", string(units[name]), checkUnitState)
		}
	}
}

func (s Service) check(o strictjson.Object) {
	o.Required("scope", string(s.Scope), checkScope)
	o.Required("unit", s.Unit, checkUnit)
	o.Required("state", string(s.State), checkUnitState)
}
