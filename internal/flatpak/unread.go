package flatpak

import (
	"fmt"

	"bkt/internal/manifest"
	"bkt/internal/reconcile"
)

// unread collects what could not be read: whole installations, and single items of others.
type unread struct {
	parts   []reconcile.Unread
	scopes  map[manifest.Scope]bool
	keys    map[string]bool
	further *further
}

// addScope adds an installation.
func (u *unread) addScope(scope manifest.Scope, err error) {
	if u.scopes == nil {
		u.scopes = map[manifest.Scope]bool{}
	}
	u.scopes[scope] = true
	u.parts = append(u.parts, reconcile.Unread{What: fmt.Sprintf("the installation %q", scope), Err: err})
}

// addItem adds an item, and other items that may be in the same part.
func (u *unread) addItem(what string, err error, keys ...string) {
	if u.keys == nil {
		u.keys = map[string]bool{}
	}
	for _, key := range append(keys, what) {
		u.keys[key] = true
	}
	u.parts = append(u.parts, reconcile.Unread{What: what, Err: err})
}

// hides reports whether an item may be in a part that could not be read.
func (u *unread) hides(scope manifest.Scope, key string) bool {
	return u.scopes[scope] || u.keys[key] || u.hidesScope(scope)
}

// hidesScope reports whether a file that could not be read may define an installation.
func (u *unread) hidesScope(scope manifest.Scope) bool {
	if _, custom := scope.Custom(); !custom || len(u.further.unread) == 0 {
		return false
	}
	_, found := u.further.find(scope)
	return !found
}
