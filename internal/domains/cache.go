package domains

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"sync"

	"bkt/internal/host"
	"bkt/internal/plainfile"
	"bkt/internal/plan"
	"bkt/internal/secret"
)

// A Cache holds facts that domains have read, for later commands. It writes nothing before
// it is told to, so that a preview changes no file.
type Cache struct {
	mu    sync.Mutex
	texts map[string]plan.Overwrite // by path
	read  map[string][]byte         // the contents of files, by path
}

// Remember makes Recall return the text for its path from now on.
func (c *Cache) Remember(p plan.Overwrite) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(p)
}

func (c *Cache) set(p plan.Overwrite) {
	if c.texts == nil {
		c.texts = map[string]plan.Overwrite{}
	}
	c.texts[p.Path] = p
}

// Recall returns the text for a path that this command or an earlier one remembered. It is
// an error if none did.
func (c *Cache) Recall(path string) ([]byte, error) {
	c.mu.Lock()
	p, ok := c.texts[path]
	c.mu.Unlock()
	if ok {
		return p.Text, nil
	}
	text, err := plainfile.Read(path, plainfile.MaxText)
	if err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.read == nil {
			c.read = map[string][]byte{}
		}
		c.read[path] = text
	}
	return text, err
}

// SaveFacts writes the facts that no later command can read again. The last known state
// relies on them: it must not be written if they cannot.
func (c *Cache) SaveFacts() error {
	return save(c.plan(func(p plan.Overwrite) bool { return !p.Cache }))
}

// Save writes everything that was remembered, and tries all of it. An error of a file that
// is only a cache does no harm: the next command reads its facts again.
func (c *Cache) Save() error {
	return save(c.plan(func(plan.Overwrite) bool { return true }))
}

func save(p plan.Plan) error { return host.Executor{}.Execute(context.Background(), p, nil) }

// plan returns the plan that writes the chosen texts, and forgets them. Instead of a text
// with a secret, it writes an empty one. It rewrites files that an older bkt wrote readable
// for all.
func (c *Cache) plan(choose func(plan.Overwrite) bool) plan.Plan {
	c.mu.Lock()
	defer c.mu.Unlock()
	for path, text := range c.read {
		if _, ok := c.texts[path]; !ok && host.ReadableByOthers(path) {
			c.set(plan.Overwrite{Path: path, Text: text, Private: filepath.Dir(path), Cache: true})
		}
	}
	c.read = nil
	var p plan.Plan
	for _, path := range slices.Sorted(maps.Keys(c.texts)) {
		step := c.texts[path]
		if !choose(step) {
			continue
		}
		delete(c.texts, path)
		if secret.Find(step.Text, nil) != "" {
			step.Text = []byte("{}\n")
		}
		p = append(p, plan.Change{Op: plan.Modify, Targets: []string{path}, Steps: []plan.Step{step}})
	}
	return p
}
