package scan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

// State says what is known of an Item.
type State string

// The states. There is no item for what was looked for and not found.
const (
	Found   State = "found"
	Unknown State = "unknown" // could not be looked at: see Why
)

// Item is one kind of rows of one object.
type Item struct {
	Kind   string         `json:"kind"` // the code without "data."
	State  State          `json:"state"`
	Object finding.Object `json:"object"`
	Table  catalog.Name   `json:"table"` // of the source; for partitions made one table, their root
	What   string         `json:"what"`  // what such a row has, in words

	Count     int64 `json:"count"`               // rows, exact unless Estimated
	Estimated bool  `json:"estimated,omitempty"` // from a sample
	Low       int64 `json:"low"`                 // 95 % bounds of Count; Count itself where it is exact
	High      int64 `json:"high"`
	AtLeast   bool  `json:"at_least,omitempty"` // a part of the rows could not be looked at: see Why

	Keys    []string `json:"keys,omitempty"`    // some of the rows: "id=7"; values shortened
	Query   string   `json:"query,omitempty"`   // lists them all, on the source
	Refused bool     `json:"refused,omitempty"` // the target refuses such rows, or stores something else unasked
	Why     string   `json:"why,omitempty"`     // of Unknown and AtLeast: what went wrong
}

// Code is the finding's code.
func (i Item) Code() finding.Code {
	if i.State == Unknown {
		return codeUnknown
	}
	return finding.Code("data." + i.Kind)
}

// Table says what was read of a table.
type Table struct {
	Table catalog.Name `json:"table"` // of the source
	Rows  int64        `json:"rows"`  // looked at
	Of    int64        `json:"of"`    // rows that it has: exact when Whole, else by the statistics
	Bytes int64        `json:"bytes"` // read, heap and TOAST
	Whole bool         `json:"whole"` // every row was looked at
	Why   string       `json:"why,omitempty"`
}

// Result is what a scan saw.
type Result struct {
	Mode     Mode          `json:"mode"`
	Items    []Item        `json:"items"`  // by object and kind
	Tables   []Table       `json:"tables"` // every table of the source, by name; Why where nothing or not all was read
	Rows     int64         `json:"rows"`
	Bytes    int64         `json:"bytes"`
	Complete bool          `json:"complete"` // every row was looked at, and nothing is Unknown
	Sampled  bool          `json:"sampled"`  // some tables in part only
	Elapsed  time.Duration `json:"elapsed_ns"`
}

// sort orders and sums up.
func (r *Result) sort() {
	slices.SortFunc(r.Items, func(a, b Item) int {
		return cmp.Or(a.Table.Compare(b.Table), cmp.Compare(a.Object.Kind, b.Object.Kind),
			cmp.Compare(a.Object.String(), b.Object.String()), cmp.Compare(a.Kind, b.Kind))
	})
	slices.SortFunc(r.Tables, func(a, b Table) int { return a.Table.Compare(b.Table) })
	r.Complete = true
	for _, t := range r.Tables {
		r.Rows += t.Rows
		r.Bytes += t.Bytes
		r.Complete = r.Complete && t.Whole
		r.Sampled = r.Sampled || t.Rows > 0 && !t.Whole
	}
	for _, i := range r.Items {
		r.Complete = r.Complete && i.State == Found && !i.AtLeast && !i.Estimated
	}
}

// Findings are the items, and the tables that were not read, as findings.
func (r *Result) Findings() []finding.Finding {
	var out []finding.Finding
	for _, i := range r.Items {
		rule := ruleOf(i.Code())
		f := finding.Finding{Code: rule.Code, Severity: rule.Severity, Object: i.Object, Message: i.Message(), Remedy: rule.Remedy}
		if i.State == Found && rule.Severity == finding.Block && !i.Refused {
			f.Severity = finding.Change
		}
		out = append(out, f)
	}
	for _, t := range r.Tables {
		if t.Why == "" {
			continue
		}
		rule := ruleOf(codeUnknown)
		message := "nothing is known of its rows: " + t.Why
		if t.Rows > 0 {
			message = fmt.Sprintf("only %s of its rows were looked at: %s", humanize.Comma(t.Rows), t.Why)
		}
		out = append(out, finding.Finding{
			Code: rule.Code, Severity: rule.Severity, Remedy: rule.Remedy, Message: message,
			Object: finding.Object{Kind: "table", Schema: t.Table.Schema, Name: t.Table.Name},
		})
	}
	finding.Sort(out)
	return out
}

// Message is the item in words.
func (i Item) Message() string {
	if i.State == Unknown {
		return fmt.Sprintf("whether rows have %s is not known: %s", i.What, i.Why)
	}
	var b strings.Builder
	switch {
	case i.Estimated:
		fmt.Fprintf(&b, "about %s rows (%s to %s) have ", humanize.Comma(i.Count), humanize.Comma(i.Low), humanize.Comma(i.High))
	case i.AtLeast && i.Count == 1:
		b.WriteString("at least 1 row has ")
	case i.AtLeast:
		fmt.Fprintf(&b, "at least %s rows have ", humanize.Comma(i.Count))
	case i.Count == 1:
		b.WriteString("1 row has ")
	default:
		fmt.Fprintf(&b, "%s rows have ", humanize.Comma(i.Count))
	}
	b.WriteString(i.What)
	if i.AtLeast {
		b.WriteString(" (not all could be looked at: " + i.Why + ")")
	}
	if len(i.Keys) > 0 {
		b.WriteString("; for example " + strings.Join(i.Keys, "; "))
	}
	if i.Query != "" {
		b.WriteString("; all of them: " + i.Query)
	}
	return b.String()
}
