// Package pgserver runs throw-away PostgreSQL clusters of several majors.
//
// It is the core below pgtest, free of package testing, so that the demo can
// use it too. Clusters listen on a unix socket in a short directory under
// /tmp, run as an unprivileged user when we are root, die with the process
// that started them, and leave nothing behind.
package pgserver
