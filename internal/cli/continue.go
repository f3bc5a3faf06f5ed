package cli

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/config"
)

// plainWord is a word that no shell changes.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:=,@%+-]+$`)

// shellWord writes a word for a POSIX shell.
func shellWord(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// mostNamed is how many tables a command names before it is made another way.
const mostNamed = 50

// servers are the flags that name both sides again, without a secret: what
// stood on the command line comes from the environment, for the user to set.
func (j *job) serverFlags() []string {
	var out []string
	if j.opts.File != "" {
		out = append(out, "--config", shellWord(j.opts.File))
	}
	for _, name := range serverOptions {
		if !j.opts.Given(name) || j.opts.InFile(name) || strings.HasPrefix(j.opts.Where(name), "PG2DB9_") {
			continue
		}
		if value, plain := j.plainServerOption(name); plain {
			out = append(out, "--"+name, shellWord(value))
			continue
		}
		out = append(out, "--"+name, `"$`+config.Options(name)[0].Env()+`"`)
	}
	return out
}

// plainServerOption is the value of an option of the servers' that is no secret.
func (j *job) plainServerOption(name string) (string, bool) {
	switch name {
	case "network-timeout":
		return strconv.Itoa(j.opts.NetworkTimeout), true
	case "source-ssh":
		return j.opts.SourceSSH, true
	case "target-ssh":
		return j.opts.TargetSSH, true
	case "source-ssh-key":
		return j.opts.SourceSSHKey, true
	case "target-ssh-key":
		return j.opts.TargetSSHKey, true
	case "ssh-known-hosts":
		return j.opts.SSHKnownHosts, true
	}
	return "", false
}

// planFlags repeat what shapes the plan.
func (j *job) planFlags() []string {
	var out []string
	if j.opts.Given("profile") && !j.opts.InFile("profile") {
		out = append(out, "--profile", shellWord(j.opts.Profile))
	}
	if j.opts.Given("accept") && !j.opts.InFile("accept") {
		for _, a := range j.opts.Accept {
			out = append(out, "--accept", shellWord(a))
		}
	}
	return out
}

// probeFlags repeat how the target is asked, for the commands that ask it.
func (j *job) probeFlags() []string {
	var out []string
	for _, x := range []struct {
		name   string
		values []string
	}{{"probe", []string{j.opts.Probe}}, {"probe-cache", []string{j.opts.ProbeCache}}, {"skip-probe", j.opts.SkipProbe}} {
		if !j.opts.Given(x.name) || j.opts.InFile(x.name) {
			continue
		}
		for _, v := range x.values {
			out = append(out, "--"+x.name, shellWord(v))
		}
	}
	return out
}

// filterFlags repeat the user's choice of tables.
func (j *job) filterFlags() []string {
	var out []string
	for _, f := range []struct {
		name     string
		patterns []string
	}{
		{"include-schema", j.opts.IncludeSchemas},
		{"exclude-schema", j.opts.ExcludeSchemas},
		{"include-table", j.opts.IncludeTables},
		{"exclude-table", j.opts.ExcludeTables},
	} {
		if j.opts.InFile(f.name) {
			continue
		}
		for _, p := range f.patterns {
			out = append(out, "--"+f.name, shellWord(p))
		}
	}
	return append(out, j.mappingFlags()...)
}

// commandLine joins a command that the user can run as it is.
func commandLine(command string, groups ...[]string) string {
	return strings.Join(append([]string{"pg2db9", command}, slices.Concat(groups...)...), " ")
}

// commandAgain is the command of this run with other flags.
func (j *job) commandAgain(extra ...string) string {
	return commandLine(j.command, j.serverFlags(), j.filterFlags(), j.planFlags(), j.probeFlags(), extra)
}

// copyAgain is the command that loads the tables whose rows are not all there.
func (j *job) copyAgain() string {
	var bad, good []catalog.Name
	for _, t := range j.plan.Transfers {
		if _, incomplete := j.incomplete[t.Target]; incomplete {
			bad = append(bad, t.Source)
		} else {
			good = append(good, t.Source)
		}
	}
	byName := func(a, b catalog.Name) int {
		return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name))
	}
	slices.SortFunc(bad, byName)
	slices.SortFunc(good, byName)
	choice := j.filterFlags()
	switch {
	case len(good) == 0: // all of the user's choice
	case len(bad) <= mostNamed || len(bad) <= len(good):
		choice = append(tableFlags("include-table", bad), j.mappingFlags()...)
	default:
		choice = append(choice, tableFlags("exclude-table", good)...)
	}
	return commandLine(cmdCopy, j.serverFlags(), choice, j.planFlags(), j.probeFlags(), []string{"--on-existing", config.Truncate})
}

func tableFlags(flag string, tables []catalog.Name) []string {
	var out []string
	for _, t := range slices.Compact(tables) {
		out = append(out, "--"+flag, shellWord(catalog.Pattern(t)))
	}
	return out
}

// continuation are the commands that bring a partial run to its end, in their order.
func (j *job) continuation() []string {
	if j.claimed || j.resumed != nil { // whatever is left to do, the ledger knows it
		return []string{j.commandAgain("--resume")}
	}
	if j.plan == nil {
		return nil
	}
	if j.command == cmdClone && j.copied == nil { // tables alone, and perhaps not all
		return []string{j.commandAgain("--on-existing", config.Drop)}
	}
	var out []string
	if len(j.incomplete) > 0 {
		out = append(out, j.copyAgain())
	}
	if j.unfinished() {
		phases := postData
		if j.command == cmdSchema {
			phases = j.opts.Apply
		}
		out = append(out, commandLine(cmdSchema, j.serverFlags(), j.filterFlags(), j.planFlags(), j.probeFlags(), []string{"--apply", shellWord(phases)}))
	}
	if j.unset() {
		out = append(out, commandLine(cmdSequences, j.serverFlags(), j.filterFlags(), j.planFlags(), []string{"--set"}))
	}
	if j.command == cmdClone || j.command == cmdCopy {
		out = append(out, commandLine(cmdVerify, j.serverFlags(), j.filterFlags(), j.planFlags(), j.probeFlags()))
	}
	return out
}

// unfinished reports whether statements that this command executes, those after
// the data where it copies, were not executed with success.
func (j *job) unfinished() bool {
	if j.command != cmdClone && j.command != cmdSchema {
		return false
	}
	done := map[string]bool{}
	for _, a := range j.applied {
		for _, id := range a.Done {
			done[id] = true
		}
	}
	for _, s := range j.wanted() {
		if !done[s.ID] && !s.Optional {
			return true
		}
	}
	return false
}

// wanted are the statements that the end of the command needs.
func (j *job) wanted() []ddlgen.Statement {
	if j.command == cmdSchema {
		return j.chosen
	}
	return j.after()
}

// unset reports whether sequences of the plan lack their positions.
func (j *job) unset() bool {
	if j.command != cmdClone {
		return false
	}
	if len(j.sequences) != len(j.plan.Sequences) {
		return true
	}
	return slices.ContainsFunc(j.sequences, func(s copier.SequenceResult) bool { return s.Err != nil })
}
