package catalog

import "fmt"

// GoneError is an object that was dropped, or that changed, while the catalog
// was read: its row is the snapshot's, but the server renders definitions from
// what stands now.
type GoneError struct {
	Kind string // "index", "constraint", ...
	Name Name
	Sub  string // column or constraint
}

// Error implements error.
func (e *GoneError) Error() string {
	what := e.Kind + " " + e.Name.String()
	if e.Sub != "" {
		what += "." + e.Sub
	}
	return fmt.Sprintf("reading the catalog: %s was dropped while its definition was read; run the command again", what)
}
