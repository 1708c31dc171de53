package main

import (
	"fmt"
	"net/http"
)

// proxiedHost is the one host for which the server answers as a proxy. The
// .test domain is reserved: no real host can have the name.
const proxiedHost = "packages.offline.test"

// handler serves the files of dir, as an origin server and as a proxy for proxiedHost.
// It refuses all other requests, so that a build that needs the network fails at once.
func handler(dir string) http.Handler {
	files := http.FileServer(http.Dir(dir))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodConnect:
			refuse(w, r.Host)
		case r.URL.IsAbs() && r.URL.Host != proxiedHost:
			refuse(w, r.URL.Host)
		default:
			files.ServeHTTP(w, r)
		}
	})
}

// refuse answers a request for a host that the proxy does not serve.
func refuse(w http.ResponseWriter, host string) {
	message := fmt.Sprintf("%s cannot be reached: this proxy only answers for http://%s/", host, proxiedHost)
	http.Error(w, message, http.StatusForbidden)
}
