// Package manifest has the types of all manifests and their paths, and reads and
// writes them.
//
// Reading is strict (see package strictjson): [Decode] turns the bytes of a file into a
// valid value, or returns errors with their place and a likely correction. Writing is
// canonical: [Encode] writes the same value in the same bytes, in whichever order it
// was built.
//
// The package writes no file, and it does not know whether the packages and
// repositories that a manifest names exist.
package manifest

import "bkt/internal/strictjson"

type (
	// A Source says where the values of a manifest are in its file.
	Source = strictjson.Source
	// A Position is a line and a column of a manifest.
	Position = strictjson.Position
)

// A checker is a manifest that checks its values further than their types do.
type checker interface {
	check(r *strictjson.Report)
}

// Decode reads data, the text of a manifest that errors call name. For the
// errors see [strictjson.Decode]. The [Source] refers to data, which must not be
// changed afterwards.
func Decode[T any](name string, data []byte) (T, *Source, error) {
	return strictjson.Decode(name, data, func(v T, r *strictjson.Report) {
		check(v, r)
	})
}

// Encode returns the text of the manifest v in its canonical form: indented by
// two spaces, the fields in the order of their declaration and without those
// that have their default, lists without a meaningful order sorted and without
// duplicates. [Decode] reads what Encode returns; a v for which that is
// impossible is an error. v itself is not changed.
func Encode[T any](v T) ([]byte, error) {
	if c, ok := any(v).(interface{ canonical() T }); ok {
		v = c.canonical()
	}
	if c, ok := any(v).(checker); ok {
		r := &strictjson.Report{}
		c.check(r)
		if err := r.Err(); err != nil {
			return nil, err
		}
	}
	return strictjson.Encode(v)
}

// Check returns the errors for which a manifest with the item would be refused, nil for
// none.
func Check[T any](item T) error {
	r := &strictjson.Report{}
	if c, ok := any(item).(interface{ check(strictjson.Object) }); ok {
		c.check(r.Object(""))
	}
	return r.Err()
}
