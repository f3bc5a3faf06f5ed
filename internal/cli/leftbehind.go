package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/outfile"
	"github.com/pg2db9/pg2db9/internal/ui"
)

const leftBehindFile = "file of what is left behind"

// checkLeftBehind finds what would keep the file from being written, before
// anything is done.
func checkLeftBehind(command string, cfg *config.Config) error {
	if cfg.LeftBehind == "" {
		return nil
	}
	if !strings.HasSuffix(strings.ToLower(cfg.LeftBehind), ".sql") {
		return usagef(command, "%s: the %s %q must end in .sql", cfg.Where("left-behind"), leftBehindFile, cfg.LeftBehind)
	}
	if err := outfile.Check(leftBehindFile, cfg.LeftBehind); err != nil {
		return usagef(command, "%s: %v", cfg.Where("left-behind"), err)
	}
	return nil
}

// writeLeftBehind writes the original definitions of all that was not carried, or
// not as it was. A file that cannot be written is a failure: it was asked for.
func (j *job) writeLeftBehind(code Code) Code {
	if j.opts.LeftBehind == "" || j.plan == nil {
		return code
	}
	list := ddlgen.Remnants(j.whole, j.plan, j.mapping, j.selectionFindings())
	list = j.withFailed(list)
	err := outfile.Save(leftBehindFile, j.opts.LeftBehind, func(w io.Writer) error { return j.printRemnants(w, list) })
	if err != nil {
		_, _ = fmt.Fprintf(j.p.streams.Err, "pg2db9: %v\n", err)
		return worst(code, Failed)
	}
	return code
}

// selectionFindings are those of what the filters leave: its definitions are in
// the whole model.
func (j *job) selectionFindings() []finding.Finding {
	var out []finding.Finding
	for _, f := range j.findings {
		if strings.HasPrefix(string(f.Code), "filter.") && f.Object.Kind != "objects" {
			out = append(out, f)
		}
	}
	return out
}

// withFailed adds what the target refused: the statement that failed is what
// would have made it there.
func (j *job) withFailed(list []ddlgen.Remnant) []ddlgen.Remnant {
	add := func(s ddlgen.Statement, why string) {
		if s.Phase == ddlgen.PhaseAnalyze {
			return
		}
		list = append(list, ddlgen.Remnant{
			Object: s.Object, SQL: []string{s.SQL},
			Findings: []finding.Finding{{Severity: finding.Left, Object: s.Object, Message: why}},
		})
	}
	for _, a := range j.applied {
		for _, f := range a.Failed {
			add(f.Statement, "the target refused it: "+redact(ui.ErrorText(f.Err)))
		}
		for _, s := range a.Skipped {
			add(s.Statement, "it was not executed: "+s.Reason)
		}
	}
	return list
}

func (j *job) printRemnants(w io.Writer, list []ddlgen.Remnant) error {
	var b strings.Builder
	fmt.Fprintf(&b, "-- What was not carried from %s, or not as it was: the definitions of the source.\n", ui.Printable(j.opts.source.String()))
	fmt.Fprintf(&b, "-- Written by pg2db9 %s (run %s). Nothing of this was executed on the target.\n", version(), j.id)
	b.WriteString("-- Statements make what the target lacks, where it can have that; what it has in another form is commented out, and so are roles.\n")
	left, changed := 0, 0
	for _, r := range list {
		if r.Carried {
			changed++
		} else {
			left++
		}
	}
	fmt.Fprintf(&b, "-- %s left behind, %d in another form.\n\nSET client_encoding = 'UTF8';\nSET search_path = '';\nSET check_function_bodies = off;\n", objects(left), changed)
	for _, r := range list {
		printRemnant(&b, r)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func printRemnant(b *strings.Builder, r ddlgen.Remnant) {
	word := "left behind"
	if r.Carried {
		word = "in another form"
	}
	fmt.Fprintf(b, "\n-- %s: %s\n", word, ui.Printable(r.Object.String()))
	for _, f := range r.Findings {
		line := f.Message
		if f.Code != "" {
			line = fmt.Sprintf("[%s] %s", f.Code, f.Message)
		}
		fmt.Fprintf(b, "--   %s\n", ui.Printable(line)) // a line break would end the comment
		if f.Remedy != "" {
			fmt.Fprintf(b, "--   what to do: %s\n", ui.Printable(f.Remedy))
		}
	}
	if len(r.SQL) == 0 {
		fmt.Fprintf(b, "--   no definition: %s\n", ui.Printable(r.Why))
	}
	for _, sql := range r.SQL {
		switch {
		case r.Carried, r.Object.Kind == "role": // roles are the server's, and may be there
			b.WriteString("-- " + strings.ReplaceAll(sql, "\n", "\n-- ") + ";\n")
		case strings.HasPrefix(sql, "--"):
			b.WriteString(sql + "\n")
		default:
			b.WriteString(sql + ";\n")
		}
	}
}
