package cli

import (
	"errors"
	"slices"
	"strconv"

	"github.com/jackc/pgerrcode"

	"github.com/pg2db9/pg2db9/internal/dial"
)

// again is this command once more, where it ended before anything was written,
// by what passes: an interrupt, a server that went away, a lock that was not had.
// Other errors say themselves what must be done first.
func (j *job) again(err error) []string {
	if !slices.Contains([]string{cmdClone, cmdCopy, cmdVerify, cmdRepair}, j.command) {
		return nil
	}
	class := dial.Classify(err)
	if !errors.Is(err, errInterrupted) && class != dial.Lost && class != dial.Retry && !slices.Contains(passing, dial.SQLState(err)) {
		return nil
	}
	switch j.command {
	case cmdVerify:
		return j.verifyAgain()
	case cmdRepair:
		return j.repairAgain()
	}
	var extra []string
	if j.opts.Given("on-existing") && !j.opts.InFile("on-existing") {
		extra = append(extra, "--on-existing", j.opts.OnExisting)
	}
	if j.opts.Resume {
		extra = append(extra, j.resumeFlags()...)
		for _, p := range j.opts.Redo {
			extra = append(extra, "--redo", shellWord(p))
		}
		for _, p := range j.opts.Skip {
			extra = append(extra, "--skip", shellWord(p))
		}
		if j.opts.RetryFailed && !j.opts.InFile("retry-failed") {
			extra = append(extra, "--retry-failed")
		}
	}
	return []string{j.commandAgain(extra...)}
}

// passing are the SQLSTATEs that are another time's, though the session did not
// break: a lock that was waited for in vain, and a snapshot that went with the
// server that held it (22023, from 15 on 42704: ImportSnapshot in snapmgr.c).
var passing = []string{pgerrcode.LockNotAvailable, pgerrcode.InvalidParameterValue, pgerrcode.UndefinedObject}

// resumeFlags continue a run as the user wants it continued.
func (j *job) resumeFlags() []string {
	out := []string{"--resume"}
	// Who wanted it stopped has been told: the command that continues does not stop again.
	if j.opts.Given("on-changed") && !j.opts.InFile("on-changed") && j.opts.OnChanged != "stop" {
		out = append(out, "--on-changed", j.opts.OnChanged)
	}
	if j.opts.Given("keep-snapshot") && !j.opts.InFile("keep-snapshot") {
		out = append(out, "--keep-snapshot", strconv.Itoa(j.opts.KeepSnapshot))
	}
	return out
}

// reportAgain is what writes the reports that could not be written, once all
// else is done: they need no copy.
func (j *job) reportAgain() []string {
	if j.command != cmdClone && j.command != cmdCopy && j.command != cmdVerify {
		return nil
	}
	var files []string
	for _, path := range j.opts.Reports {
		files = append(files, "--report", shellWord(path))
	}
	if j.command == cmdVerify {
		files = append(files, j.levelFlags()...)
	}
	return []string{commandLine(cmdVerify, j.serverFlags(), j.filterFlags(), j.planFlags(), j.probeFlags(), j.certificateFlags(), files)}
}
