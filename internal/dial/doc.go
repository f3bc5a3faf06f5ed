// Package dial connects to source and target: connection strings, TLS rules,
// keepalive, session settings that are set and read back, classes of errors,
// and text about a server that holds no secret.
package dial
