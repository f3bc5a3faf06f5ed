package assess

import (
	"fmt"
	"strings"
	"time"

	"github.com/pg2db9/pg2db9/internal/preflight/sourcefacts"
)

// fact is one thing that the source says of itself, for people.
type fact struct{ Name, Value string }

// factsOf are what a reader of the report wants to know of a source; the JSON
// has all.
func factsOf(f *sourcefacts.Facts) []fact {
	if f == nil {
		return nil
	}
	out := []fact{{"server", f.Version}, {"size", size(f.Bytes)}, {"role", f.Role.Name}}
	add := func(name, format string, args ...any) { out = append(out, fact{name, fmt.Sprintf(format, args...)}) }
	if f.Provider.Name != "" {
		add("service", "%s", f.Provider.Name)
	}
	switch p := f.Pooler; {
	case !p.Asked:
		add("between", "not known")
	case p.Transaction:
		add("between", "a transaction pooler: %s", strings.Join(p.Evidence, "; "))
	case p.Balanced:
		add("between", "connections reach several servers: %s", strings.Join(p.Evidence, "; "))
	case p.Session:
		add("between", "a pooler that keeps sessions whole: %s", strings.Join(p.Evidence, "; "))
	default:
		add("between", "nothing: connections reach the server itself")
	}
	if s := f.Standby; s != nil {
		add("standby", "hot_standby_feedback %t, %.0f s behind", s.Feedback, s.BehindSeconds)
	}
	add("connections", "%d of %d used, %d free for this role", f.Connections.Used, f.Connections.Max, f.Connections.Free)
	if w := f.Wraparound; w.Database != "" {
		add("transaction identifiers", "%.0f %% used (database %s)", 100*w.Share, w.Database)
	}
	if n := len(f.Transactions); n > 0 {
		longest := f.Transactions[0]
		for _, t := range f.Transactions {
			if t.Seconds > longest.Seconds {
				longest = t
			}
		}
		add("long transactions", "%d, the longest open for %s", n, (time.Duration(longest.Seconds) * time.Second).String())
	}
	if n := len(f.Prepared); n > 0 {
		add("prepared transactions", "%d", n)
	}
	if n := len(f.Slots); n > 0 {
		add("replication slots", "%d", n)
	}
	if f.Xmin.Holder != "" {
		add("vacuum held back", "by %s, %d transactions", f.Xmin.Holder, f.Xmin.Age)
	}
	for _, u := range f.Unknown {
		add("not known", "%s: %s", u.What, u.Why)
	}
	return out
}
