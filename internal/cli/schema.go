package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/preflight"
	"github.com/pg2db9/pg2db9/internal/ui"
)

// The groups of phases that --apply takes beside the phases' names.
const (
	preData  = "pre-data"
	postData = "post-data"
	allData  = "all"
)

func schemaCommand() command {
	return command{
		name: cmdSchema, usage: "print the target's schema as SQL, or execute a part of it",
		about: "Prints every statement of the plan on stdout, phase by phase, and the findings as comments. With --apply it\n" +
			"executes those of one phase, of pre-data, post-data or all on the target; what stands there already is left as it\n" +
			"is. The phases are " + strings.Join(phaseNames()[:8], ", ") + ",\n" + strings.Join(phaseNames()[8:], ", ") + ".\n" +
			"Without --target the profile auto is db9.\n\n" +
			"--left-behind FILE.sql keeps what is not carried: its definitions as the source has them, each under the reason.",
		options: optionNames(serverOptions, filterOptions, planOptions, rightsOptions, probeOptions, []string{"apply", "left-behind", "jobs", "retry-for", "dry-run", "report"}, outputOptions),
		run:     runSchema,
	}
}

// phaseNames are the phases that have statements, as --apply takes them.
func phaseNames() []string {
	var out []string
	for ph := ddlgen.PhasePrepare; ph <= ddlgen.LastPhase; ph++ {
		if ph != ddlgen.PhaseData {
			out = append(out, strings.ReplaceAll(ph.String(), " ", "-"))
		}
	}
	return out
}

// inPhases returns which phases --apply means, nil for a word that means none.
func inPhases(word string) func(ddlgen.Phase) bool {
	switch word {
	case preData:
		return func(p ddlgen.Phase) bool { return p < ddlgen.PhaseData }
	case postData:
		return func(p ddlgen.Phase) bool { return p > ddlgen.PhaseData }
	case allData:
		return func(ddlgen.Phase) bool { return true }
	}
	for ph := ddlgen.PhasePrepare; ph <= ddlgen.LastPhase; ph++ {
		if ph != ddlgen.PhaseData && strings.ReplaceAll(ph.String(), " ", "-") == strings.ReplaceAll(word, " ", "-") {
			return func(p ddlgen.Phase) bool { return p == ph }
		}
	}
	return nil
}

func runSchema(ctx context.Context, p *program, cfg *config.Config) (Code, error) {
	if cfg.Apply != "" && inPhases(cfg.Apply) == nil {
		return OK, usagef(cmdSchema, "%s: no phase %q: it must be pre-data, post-data, all, or one of %s",
			cfg.Where("apply"), cfg.Apply, strings.Join(phaseNames(), ", "))
	}
	opts, err := newOptions(ctx, cmdSchema, cfg, needs{source: true, target: cfg.Apply != ""})
	if err != nil {
		return OK, err
	}
	return p.startJob(ctx, cmdSchema, opts, func(j *job) []step {
		steps := []step{j.connect, j.surveySource, j.probe, j.openSnapshotUnlocked, j.loadCatalog, j.makePlan(false), j.releaseSnapshot}
		if cfg.Apply == "" || cfg.DryRun {
			return append(steps, j.printSchema)
		}
		return append(steps, j.checkRights, j.refuseBlockedPlan, j.applySchema)
	})
}

// printSchema prints the statements that would be executed.
func (j *job) printSchema(context.Context) error {
	statements := j.plan.Statements
	if j.opts.Apply != "" {
		j.choose()
		statements = j.chosen
	}
	j.message = count(len(statements), "statement") + " printed, nothing was written"
	if j.p.json {
		for i := range statements {
			j.p.lines.Write("statement", statementFields(&statements[i]))
		}
		return nil
	}
	j.beginScript()
	printStatements(j.p.streams.Out, statements)
	printFindings(j.p.streams.Out, j.allFindings())
	return nil
}

// beginScript takes bars off the terminal, on which a script will follow.
func (j *job) beginScript() {
	j.script = true
	j.ui.Close()
}

// choose takes the statements of --apply out of the plan.
func (j *job) choose() {
	in := inPhases(j.opts.Apply)
	for _, s := range j.missing() {
		if in == nil || in(s.Phase) {
			j.chosen = append(j.chosen, s)
		}
	}
}

// checkRights looks whether the role may create what is planned, and what
// stands there already.
func (j *job) checkRights(ctx context.Context) error {
	existing, err := preflight.ReadExisting(ctx, j.target, j.plan, j.profile.FullCatalog)
	if err != nil {
		return fmt.Errorf("reading what stands on the target: %w", err)
	}
	j.existing = existing
	return j.check(ctx, preflight.SchemaChecks(preflight.Target{Q: j.target, Plan: j.plan, Existing: existing}))
}

// applySchema executes the chosen statements, each with its own outcome.
func (j *job) applySchema(ctx context.Context) error {
	j.choose()
	there := 0
	in := inPhases(j.opts.Apply)
	for _, s := range j.plan.Statements {
		if _, has := j.existing.Has(s); has && in(s.Phase) {
			there++
		}
	}
	if there > 0 {
		j.bus.Emit(event.Note{Text: fmt.Sprintf("%s of the plan stand on the target already and were left as they are; their definitions were not compared", objects(there))})
	}
	j.written.Store(true)
	err := j.phase("schema", len(j.chosen), func() (int, error) {
		a, err := copier.Apply(ctx, copier.ApplyParams{
			Target: j.opts.target, Settings: copier.ControlSettings(j.profile), Statements: j.chosen, Jobs: j.jobs, Window: j.window(), Patience: j.patience(), Stop: j.stop, Bus: j.bus,
		})
		if a == nil {
			return 0, err
		}
		j.applied = append(j.applied, a)
		return len(a.Failed), err
	})
	j.message = count(len(j.chosen), "statement") + " executed"
	return err
}

// printStatements writes a script: one statement after the other, each phase
// under its name.
func printStatements(w io.Writer, statements []ddlgen.Statement) {
	if slices.ContainsFunc(statements, func(s ddlgen.Statement) bool { return strings.HasPrefix(s.ID, "routines/") }) {
		_, _ = fmt.Fprint(w, "\n-- Routines come before what their bodies name, and in any order.\nSET check_function_bodies = off;\n")
	}
	last := ddlgen.PhaseUnset
	for _, s := range statements {
		if s.Phase != last {
			_, _ = fmt.Fprintf(w, "\n-- phase: %s\n", s.Phase)
			last = s.Phase
		}
		_, _ = fmt.Fprintf(w, "%s;\n", s.SQL)
	}
}

// printFindings writes findings as comments of a script.
func printFindings(w io.Writer, findings []finding.Finding) {
	if len(findings) == 0 {
		return
	}
	_, _ = fmt.Fprintln(w, "\n-- findings")
	for _, f := range findings {
		line := fmt.Sprintf("%s [%s] %s: %s", f.Severity, f.Code, f.Object, f.Message)
		if f.Remedy != "" {
			line += " -> " + f.Remedy
		}
		_, _ = fmt.Fprintf(w, "-- %s\n", ui.Printable(line)) // a line break in a name would end the comment
	}
	_, _ = fmt.Fprintln(w)
}

func statementFields(s *ddlgen.Statement) ui.Object {
	out := ui.Object{{Key: "id", Value: s.ID}, {Key: "phase", Value: s.Phase.String()}, {Key: "object", Value: s.Object}, {Key: "sql", Value: s.SQL}}
	for _, f := range []struct {
		key   string
		value any
		there bool
	}{
		{"columns", s.Columns, len(s.Columns) > 0},
		{"carries", s.Carries, len(s.Carries) > 0},
		{"findings", s.Findings, len(s.Findings) > 0},
		{"undo", s.Undo, s.Undo != ""},
	} {
		if f.there {
			out = append(out, ui.Field{Key: f.key, Value: f.value})
		}
	}
	return out
}
