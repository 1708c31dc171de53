package manifest

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestMergedFields checks that fields that a merge treats in a way of its own exist.
func TestMergedFields(t *testing.T) {
	all := map[reflect.Type][]string{}
	for of, fields := range together {
		all[of] = append(all[of], fields...)
	}
	for of, field := range limits {
		all[of] = append(all[of], field)
	}
	for of, fields := range all {
		for _, name := range fields {
			if !slices.ContainsFunc(reflect.VisibleFields(of), func(f reflect.StructField) bool {
				tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				return tag == name
			}) {
				t.Errorf("%v has no field %s", of, name)
			}
		}
	}
}

// TestItemsHaveKeys checks that a merge can tell the items of each list apart.
func TestItemsHaveKeys(t *testing.T) {
	var check func(of reflect.Type)
	check = func(of reflect.Type) {
		switch of.Kind() {
		case reflect.Struct:
			for _, f := range reflect.VisibleFields(of) {
				if f.Tag.Get("json") != "" && f.Tag.Get("json") != "-" {
					check(f.Type)
				}
			}
		case reflect.Map, reflect.Pointer:
			check(of.Elem())
		case reflect.Slice:
			if item := of.Elem(); item.Kind() == reflect.Struct {
				if _, ok := reflect.New(item).Interface().(interface{ Key() string }); !ok {
					t.Errorf("%v has no method Key", item)
				}
				check(item)
			}
		}
	}
	for _, f := range All() {
		check(f.Type)
	}
}
