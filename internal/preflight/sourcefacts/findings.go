package sourcefacts

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/preflight"
	"github.com/pg2db9/pg2db9/internal/provider"
)

const (
	warnShare  = 0.75 // of 2^31
	blockShare = 0.95
)

// found makes a finding about the source as a whole, with the rule's remedy
// unless another is given.
func found(code finding.Code, severity finding.Severity, object finding.Object, remedy, format string, args ...any) finding.Finding {
	if remedy == "" {
		i := slices.IndexFunc(rules, func(r rule) bool { return r.code == code })
		remedy = rules[i].remedy
	}
	return finding.Finding{Code: code, Severity: severity, Object: object, Message: fmt.Sprintf(format, args...), Remedy: remedy}
}

var server = finding.Object{Kind: "server", Name: "source"}

// Findings are what the facts mean for a run, but for rights (RightsFindings,
// GrantFindings). keep are the provider's schemas that the user asks for all the
// same.
func (f *Facts) Findings(keep func(schema string) bool) []finding.Finding {
	var out []finding.Finding
	add := func(fs ...finding.Finding) { out = append(out, fs...) }
	add(f.ofProvider(keep)...)
	add(f.Pooler.findings()...)
	add(f.ofStandby()...)
	add(f.Wraparound.findings()...)
	add(f.ofSessions()...)
	add(f.ofLimits()...)
	for _, u := range f.Unknown {
		add(found(SourceUnknown, finding.Info, finding.Object{Kind: "fact", Name: u.What}, "", "the source does not tell: %s", u.Why))
	}
	finding.Sort(out)
	return out
}

// GrantFindings have the script that gives the role what it lacks.
func (f *Facts) GrantFindings() []finding.Finding {
	if len(f.Rights.Script) == 0 {
		return nil
	}
	return []finding.Finding{found(SourceGrants, finding.Info, finding.Object{Kind: "role", Name: f.Role.Name},
		"on the source: "+strings.Join(sql(f.Rights.Script), " "), "the role lacks rights on %s", count(len(f.Rights.Missing), "object"))}
}

// sql are the lines that are no comments.
func sql(lines []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.HasPrefix(l, "--") })
}

func count(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return humanize.Comma(int64(n)) + " " + word + "s"
}

func (f *Facts) ofProvider(keep func(string) bool) []finding.Finding {
	p := f.Provider
	if p.Name == "" {
		return nil
	}
	text := "the source runs at " + p.String()
	for _, own := range []struct {
		what  string
		names []string
	}{{"roles", p.Roles}, {"extensions", p.Extensions}, {"event triggers", p.EventTriggers}, {"publications", p.Publications}, {"databases", p.Databases}} {
		if len(own.names) > 0 {
			text += "; " + own.what + " of its own: " + strings.Join(own.names, ", ")
		}
	}
	about, _ := provider.Of(p.Name)
	var remedies []string
	for _, r := range []string{about.Grants, about.Rotates} {
		if r != "" {
			remedies = append(remedies, r)
		}
	}
	out := []finding.Finding{found(SourceProvider, finding.Info, server, strings.Join(remedies, "; "), "%s", text)}
	if len(remedies) == 0 {
		out[0].Remedy = "connect to " + about.Direct
	}
	for _, s := range p.Schemas {
		if keep != nil && keep(s.Name) {
			continue
		}
		out = append(out, found(ProviderSchema, finding.Left, finding.Object{Kind: "schema", Name: s.Name}, "",
			"the schema is %s's own, and is not carried (%s)", p.Name, count(int(s.Tables), "table")))
	}
	return out
}

func (p Pooler) findings() []finding.Finding {
	evidence := strings.Join(p.Evidence, "; ")
	var out []finding.Finding
	if p.Transaction {
		out = append(out, found(SourcePooler, finding.Block, server, p.Direct, "a transaction pooler stands before the source: %s", evidence))
	}
	if p.Balanced && !p.Transaction {
		out = append(out, found(SourceBalanced, finding.Block, server, p.Direct, "connections to the source reach different servers: %s", evidence))
	}
	if p.Session && !p.Balanced && !p.Transaction {
		out = append(out, found(SourceProxied, finding.Info, server, p.Direct, "a proxy or a session pooler stands before the source: %s", evidence))
	}
	return out
}

func (f *Facts) ofStandby() []finding.Finding {
	s := f.Standby
	if s == nil {
		return nil
	}
	delay := "-1 (it waits without end)"
	if s.StreamingDelayMS >= 0 {
		delay = (time.Duration(s.StreamingDelayMS) * time.Millisecond).String()
	}
	feedback := "off"
	if s.Feedback {
		feedback = "on"
	}
	behind := ""
	if s.BehindSeconds >= 0 {
		behind = fmt.Sprintf("; what it shows is of %s ago", since(s.BehindSeconds))
	}
	remedy := ""
	if s.Feedback && s.StreamingDelayMS < 0 {
		remedy = "None is needed: it is set so that reads are not cancelled."
	}
	return []finding.Finding{found(SourceStandby, finding.Info, server, remedy,
		"the source is a standby: hot_standby_feedback is %s, max_standby_streaming_delay %s%s; a read that it cancels is tried again", feedback, delay, behind)}
}

func (w Wraparound) findings() []finding.Finding {
	object := finding.Object{Kind: "database", Name: w.Database}
	what := fmt.Sprintf("its oldest identifiers are %s transactions and %s multixacts old, %.0f %% of 2^31",
		humanize.Comma(w.XIDs), humanize.Comma(w.MultiXacts), w.Share*100)
	switch {
	case w.Share >= blockShare:
		return []finding.Finding{found(SourceWraparound, finding.Block, object, "",
			"%s: the server is about to refuse writes, and a long snapshot keeps vacuum from helping", what)}
	case w.Share >= warnShare:
		return []finding.Finding{found(SourceWraparound, finding.Info, object, "", "%s: a long snapshot keeps vacuum from freeing them", what)}
	case w.FreezeMaxAge > 0 && w.XIDs > 2*w.FreezeMaxAge:
		return []finding.Finding{found(SourceWraparound, finding.Info, object, "look for what holds vacuum back (long transactions, slots), or VACUUM FREEZE the database",
			"%s, and more than twice autovacuum_freeze_max_age (%s): vacuum does not keep up", what, humanize.Comma(w.FreezeMaxAge))}
	}
	return nil
}

func since(seconds float64) string { return (time.Duration(seconds) * time.Second).String() }

// staleSlot is what a slot keeps before it is named (bytes).
const staleSlot = 1 << 30

func (f *Facts) ofSessions() []finding.Finding {
	var out []finding.Finding
	for _, t := range f.Transactions {
		out = append(out, found(SourceTransaction, finding.Info, finding.Object{Kind: "session", Name: fmt.Sprint(t.PID)},
			fmt.Sprintf("end it before the run (SELECT pg_terminate_backend(%d)), or let it come to its end", t.PID),
			"a transaction of role %s in database %s has been open for %s (%s)", t.Role, t.Database, since(t.Seconds), t.State))
	}
	for _, p := range f.Prepared {
		out = append(out, found(SourcePrepared, finding.Info, finding.Object{Kind: "prepared transaction", Name: p.GID}, "",
			"prepared by role %s in database %s %s ago: it holds its locks until somebody ends it", p.Owner, p.Database, since(p.Seconds)))
	}
	for _, s := range f.Slots {
		if s.Active && s.Retained < staleSlot {
			continue
		}
		state := "is not active"
		if s.Active {
			state = "is active"
		}
		out = append(out, found(SourceSlot, finding.Info, finding.Object{Kind: "replication slot", Name: s.Name}, "",
			"the %s slot %s, keeps %s of WAL and holds vacuum back by %s transactions", s.Kind, state, humanize.IBytes(uint64(max(0, s.Retained))), humanize.Comma(s.XminAge)))
	}
	if f.Hidden > 0 {
		out = append(out, found(SourceHidden, finding.Info, finding.Object{Kind: "role", Name: f.Role.Name}, "",
			"%s of other roles are hidden from role %s", count(f.Hidden, "session"), f.Role.Name))
	}
	return out
}

func (f *Facts) ofLimits() []finding.Finding {
	var out []finding.Finding
	for _, l := range f.Limits {
		if !l.Lifted {
			out = append(out, found(SourceTimeout, finding.Info, finding.Object{Kind: "setting", Name: l.Name}, "",
				"the server keeps %s at %s ms (from %s), though a session set it to 0", l.Name, l.Given, l.Source))
		}
	}
	if l := f.Locks; l.Room > 0 && l.Tables > l.Room/2 {
		out = append(out, found(SourceLocks, finding.Info, server, "", "there are %s and the lock table has room for %s (max_locks_per_transaction = %d)",
			count(int(l.Tables), "table"), humanize.Comma(l.Room), l.PerTransaction))
	}
	return out
}

// RightsFindings are the blocking ones, of the same codes as preflight's: for
// who has not asked by tables.
func (f *Facts) RightsFindings() []finding.Finding {
	var out []finding.Finding
	for _, m := range f.Rights.Missing {
		object := finding.Object{Kind: m.Kind, Schema: m.Schema, Name: m.Name}
		if m.Usage || m.Select {
			what := "may not read it"
			if m.ColumnsOnly {
				what = "may read some of its columns alone, and pg2db9 locks it, which asks for the whole"
			}
			out = append(out, finding.Finding{
				Code: preflight.SourcePrivilege, Severity: finding.Block, Object: object,
				Message: fmt.Sprintf("the source's role %q %s", f.Role.Name, what), Remedy: "run the script of " + string(SourceGrants),
			})
		}
		if m.RowSecurity {
			out = append(out, finding.Finding{
				Code: preflight.SourceRowSecurity, Severity: finding.Block, Object: object,
				Message: fmt.Sprintf("row security would hide rows of the table from role %q", f.Role.Name), Remedy: "run the script of " + string(SourceGrants),
			})
		}
	}
	return out
}
