package engine

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/containerd/containerd/v2/defaults"
	"github.com/moby/buildkit/cache/remotecache"
	ghacache "github.com/moby/buildkit/cache/remotecache/gha"
	inlinecache "github.com/moby/buildkit/cache/remotecache/inline"
	localcache "github.com/moby/buildkit/cache/remotecache/local"
	registrycache "github.com/moby/buildkit/cache/remotecache/registry"
	"github.com/moby/buildkit/cmd/buildkitd/config"
	"github.com/moby/buildkit/control"
	"github.com/moby/buildkit/frontend"
	dockerfile "github.com/moby/buildkit/frontend/dockerfile/builder"
	"github.com/moby/buildkit/frontend/gateway"
	"github.com/moby/buildkit/frontend/gateway/forwarder"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/solver"
	"github.com/moby/buildkit/solver/bboltcachestorage"
	"github.com/moby/buildkit/util/db"
	"github.com/moby/buildkit/util/db/boltutil"
	"github.com/moby/buildkit/util/grpcerrors"
	"github.com/moby/buildkit/util/resolver"
	"github.com/moby/buildkit/worker"
	bolt "go.etcd.io/bbolt"
	"google.golang.org/grpc"
)

// A server is BuildKit with its gRPC server.
type server struct {
	grpc       *grpc.Server
	controller *control.Controller
	collector  collector
	stopping   chan struct{} // closed to stop the cleaner of the history
	quit       func()        // stops the collector
}

func newServer(ctx context.Context, s settings) (*server, error) {
	sessions, err := session.NewManager()
	if err != nil {
		return nil, err
	}
	hosts := guarded(resolver.NewRegistryConfig(nil))
	networks := newStepNetworks(s)
	w, err := newWorker(ctx, s, networks, hosts)
	if err != nil {
		return nil, err
	}
	stopping := make(chan struct{})
	controller, keys, err := newController(ctx, s.Config.Root, w, sessions, hosts, stopping)
	if err != nil {
		return nil, err
	}
	c := collector{w, s.Config.KeepBytes, keys.ReleaseUnreferenced, make(chan struct{}, 1)}
	g := grpc.NewServer(
		// Errors keep their types, so that clients get the exit status and the
		// line of a step that failed.
		grpc.ChainUnaryInterceptor(grpcerrors.UnaryServerInterceptor, c.intercept),
		grpc.StreamInterceptor(grpcerrors.StreamServerInterceptor),
		grpc.MaxRecvMsgSize(defaults.DefaultMaxRecvMsgSize),
		grpc.MaxSendMsgSize(defaults.DefaultMaxSendMsgSize),
	)
	controller.Register(g)
	networks.register(g)
	return &server{grpc: g, controller: controller, collector: c, stopping: stopping}, nil
}

// serve starts to answer clients at l, and to collect garbage.
func (s *server) serve(l net.Listener) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	s.quit = func() { cancel(); <-ended }
	go func() { defer close(ended); s.collector.run(ctx) }()
	go s.grpc.Serve(l)
}

// stop stops BuildKit. If anything takes longer than within, the process ends, and all
// containers with it; a third of that time is for running builds to end by themselves.
func (s *server) stop(within time.Duration) error {
	giveUp := time.AfterFunc(within, func() { os.Exit(0) })
	defer giveUp.Stop()
	cancel := time.AfterFunc(within/3, s.grpc.Stop)
	defer cancel.Stop()
	close(s.stopping)
	s.grpc.GracefulStop()
	s.quit()
	return s.controller.Close()
}

// newController returns the controller and the keys of its cache.
func newController(ctx context.Context, root string, w nativeWorker, sessions *session.Manager, hosts docker.RegistryHosts, stopping <-chan struct{}) (*control.Controller, solver.CacheManager, error) {
	workers := &worker.Controller{}
	if err := workers.Add(datingWorker{w}); err != nil {
		return nil, nil, err
	}
	frontends, err := newFrontends(workers)
	if err != nil {
		return nil, nil, err
	}
	cache, err := bboltcachestorage.NewStore(filepath.Join(root, "cache.db"))
	if err != nil {
		return nil, nil, err
	}
	history, err := openHistory(root)
	if err != nil {
		return nil, nil, err
	}
	keys := solver.NewCacheManager(ctx, "local", cache, worker.NewCacheResultStorage(workers))
	c, err := control.NewController(control.Opt{
		SessionManager:            sessions,
		WorkerController:          workers,
		Frontends:                 frontends,
		ResolveCacheExporterFuncs: cacheExporters(sessions, hosts),
		ResolveCacheImporterFuncs: cacheImporters(sessions, w, hosts),
		CacheManager:              keys,
		Entitlements:              []string{"network.host"},
		HistoryDB:                 history,
		// Nobody reads the history of a build that has ended. (Without any
		// history, a running build could not be found.)
		HistoryConfig:  &config.HistoryConfig{MaxEntries: new(int64(1))},
		CacheStore:     cache,
		LeaseManager:   w.LeaseManager(),
		ContentStore:   w.ContentStore(),
		GarbageCollect: w.GarbageCollect,
		GracefulStop:   stopping,
	})
	return c, keys, err
}

func newFrontends(workers *worker.Controller) (map[string]frontend.Frontend, error) {
	gw, err := gateway.NewGatewayFrontend(workers.Infos(), nil)
	if err != nil {
		return nil, err
	}
	return map[string]frontend.Frontend{
		"dockerfile.v0": forwarder.NewGatewayForwarder(workers.Infos(), dockerfile.Build),
		"gateway.v0":    gw,
	}, nil
}

func openHistory(root string) (db.DB, error) {
	return boltutil.SafeOpen(filepath.Join(root, "history.db"), 0o600, boltOptions())
}

func boltOptions() *bolt.Options {
	return &bolt.Options{FreelistType: bolt.FreelistMapType, NoFreelistSync: true}
}

func cacheExporters(sessions *session.Manager, hosts docker.RegistryHosts) map[string]remotecache.ResolveCacheExporterFunc {
	return map[string]remotecache.ResolveCacheExporterFunc{
		"gha":      ghacache.ResolveCacheExporterFunc(nil, nil),
		"inline":   inlinecache.ResolveCacheExporterFunc(),
		"local":    localcache.ResolveCacheExporterFunc(sessions),
		"registry": registrycache.ResolveCacheExporterFunc(sessions, hosts),
	}
}

func cacheImporters(sessions *session.Manager, w nativeWorker, hosts docker.RegistryHosts) map[string]remotecache.ResolveCacheImporterFunc {
	return map[string]remotecache.ResolveCacheImporterFunc{
		"gha":      ghacache.ResolveCacheImporterFunc(nil, nil),
		"local":    localcache.ResolveCacheImporterFunc(sessions),
		"registry": registrycache.ResolveCacheImporterFunc(sessions, w.ContentStore(), hosts),
	}
}
