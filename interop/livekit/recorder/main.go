// Recorder answers for LiveKit's egress service on the message bus of a LiveKit server, so that the whole
// path of a recording (start, updates, stop, upload) runs through the real server. It records nothing: what it
// uploads is an empty movie.
//
// It is controlled over HTTP on 127.0.0.1:
//
//	PUT  /behavior       how it behaves from now on: see behavior
//	POST /report         an EgressInfo in LiveKit's JSON, merged into the egress of that id and reported
//	GET  /stopped        the ids of the egresses that it was told to stop, in their order
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/livekit/protocol/egress"
	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/rpc"
	"github.com/livekit/psrpc"
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// behavior says how egresses go that are started from now on. Times are in milliseconds.
type behavior struct {
	// Load is the time in which its page loads: until then it is starting, and a stop waits.
	Load int `json:"load"`
	// End is the time from a stop to the end.
	End int `json:"end"`
	// Delay is the time until it answers a start that it has taken.
	Delay int `json:"delay"`
	// Refuse is the code with which a start is refused.
	Refuse psrpc.ErrorCode `json:"refuse"`
	// Busy makes it take no start at all.
	Busy bool `json:"busy"`
	// Fail is the error with which egresses end, in the place of completing.
	Fail string `json:"fail"`
}

type recorder struct {
	server rpc.EgressInternalServer
	bus    psrpc.MessageBus
	io     rpc.IOInfoClient

	mu       sync.Mutex
	behavior behavior
	running  map[string]*running
	stopped  []string
}

// running is one egress. Its handler listens for stops of this egress alone, as the real one does.
type running struct {
	recorder *recorder
	behavior behavior
	handler  rpc.EgressHandlerServer
	loaded   chan struct{}
	output   *livekit.EncodedFileOutput

	mu   sync.Mutex
	info *livekit.EgressInfo
	// isToldToStop is whether it was told to stop before its page had loaded.
	isToldToStop bool
}

func main() {
	redisAddress := flag.String("redis", "", "the address of the server's Redis")
	flag.Parse()
	if err := run(*redisAddress); err != nil {
		log.Fatal(err)
	}
}

func run(redisAddress string) error {
	bus := psrpc.NewRedisMessageBus(redis.NewClient(&redis.Options{Addr: redisAddress}))
	ioClient, err := rpc.NewIOInfoClient(bus)
	if err != nil {
		return err
	}
	r := &recorder{bus: bus, io: ioClient, running: make(map[string]*running)}
	if r.server, err = rpc.NewEgressInternalServer(r, bus); err != nil {
		return err
	}
	if err := r.server.RegisterStartEgressTopic(""); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("recorder listens on http://%s\n", listener.Addr())
	control := http.NewServeMux()
	control.HandleFunc("PUT /behavior", r.setBehavior)
	control.HandleFunc("POST /report", r.report)
	control.HandleFunc("GET /stopped", r.listStopped)
	return http.Serve(listener, control)
}

// StartEgressAffinity says how much it would like to take a start: a negative number is no.
func (r *recorder) StartEgressAffinity(context.Context, *rpc.StartEgressRequest) float32 {
	if r.current().Busy {
		return -1
	}
	return 1
}

// StartEgress takes a start.
func (r *recorder) StartEgress(ctx context.Context, request *rpc.StartEgressRequest) (*livekit.EgressInfo, error) {
	behavior := r.current()
	if behavior.Refuse != "" {
		return nil, psrpc.NewErrorf(behavior.Refuse, "the recorder refuses")
	}
	info, err := newInfo(request)
	if err != nil {
		return nil, err
	}
	if _, err := r.io.CreateEgress(ctx, info); err != nil {
		return nil, err
	}
	e := &running{recorder: r, behavior: behavior, info: info, loaded: make(chan struct{}), output: outputOf(request)}
	if e.handler, err = rpc.NewEgressHandlerServer(e, r.bus); err != nil {
		return nil, err
	}
	if err := e.handler.RegisterStopEgressTopic(info.EgressId); err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.running[info.EgressId] = e
	r.mu.Unlock()
	time.AfterFunc(milliseconds(behavior.Load), e.load)
	time.Sleep(milliseconds(behavior.Delay))
	return e.snapshot(), nil
}

// ListActiveEgress is not asked by the server.
func (r *recorder) ListActiveEgress(context.Context, *rpc.ListActiveEgressRequest) (*rpc.ListActiveEgressResponse, error) {
	return nil, psrpc.ErrUnimplemented
}

// outputOf is the file that a start asks for, credentials included.
func outputOf(request *rpc.StartEgressRequest) *livekit.EncodedFileOutput {
	if outputs := request.GetRoomComposite().GetFileOutputs(); len(outputs) > 0 {
		return outputs[0]
	}
	return nil
}

// newInfo is what the real recorder answers a start with: the request without its secrets.
func newInfo(request *rpc.StartEgressRequest) (*livekit.EgressInfo, error) {
	now := time.Now().UnixNano()
	info := &livekit.EgressInfo{
		EgressId:   request.EgressId,
		RoomId:     request.RoomId,
		SourceType: livekit.EgressSourceType_EGRESS_SOURCE_TYPE_WEB,
		Status:     livekit.EgressStatus_EGRESS_STARTING,
		StartedAt:  now,
		UpdatedAt:  now,
	}
	var path string
	switch asked := request.Request.(type) {
	case *rpc.StartEgressRequest_RoomComposite:
		shown := proto.Clone(asked.RoomComposite).(*livekit.RoomCompositeEgressRequest)
		egress.RedactEncodedOutputs(shown)
		info.RoomName = shown.RoomName
		info.Request = &livekit.EgressInfo_RoomComposite{RoomComposite: shown}
		if len(shown.FileOutputs) > 0 {
			path = shown.FileOutputs[0].Filepath
		}
	case *rpc.StartEgressRequest_Egress:
		shown := proto.Clone(asked.Egress).(*livekit.StartEgressRequest)
		egress.RedactStartEgressRequest(shown)
		info.RoomName = shown.RoomName
		info.Request = &livekit.EgressInfo_Egress{Egress: shown}
		if len(shown.Outputs) > 0 {
			path = shown.Outputs[0].GetFile().GetFilepath()
		}
	default:
		return nil, psrpc.NewErrorf(psrpc.InvalidArgument, "this recorder records rooms only")
	}
	file := &livekit.FileInfo{Filename: path}
	info.FileResults = []*livekit.FileInfo{file}
	info.Result = &livekit.EgressInfo_File{File: file}
	return info, nil
}

// load is the moment at which its page has loaded: it records, unless it was told to stop meanwhile.
func (e *running) load() {
	defer close(e.loaded)
	defer func() {
		if e.snapshot().Status == livekit.EgressStatus_EGRESS_ABORTED {
			// Late enough for the answer to the stop.
			time.AfterFunc(time.Second, e.handler.Kill)
		}
	}()
	e.update(func(info *livekit.EgressInfo) bool {
		if e.isToldToStop {
			info.Status = livekit.EgressStatus_EGRESS_ABORTED
			info.Error = "Stop called before pipeline could start"
			info.ErrorCode = http.StatusPreconditionFailed
			info.EndedAt = time.Now().UnixNano()
			return true
		}
		info.Status = livekit.EgressStatus_EGRESS_ACTIVE
		info.FileResults[0].StartedAt = time.Now().UnixNano()
		return true
	})
}

// StopEgress ends an egress: it says at once that it does, and ends after a while. One whose page is
// loading says nothing until then.
func (e *running) StopEgress(_ context.Context, request *livekit.StopEgressRequest) (*livekit.EgressInfo, error) {
	r := e.recorder
	r.mu.Lock()
	r.stopped = append(r.stopped, request.EgressId)
	r.mu.Unlock()
	e.mu.Lock()
	e.isToldToStop = true
	e.mu.Unlock()
	<-e.loaded
	e.update(func(info *livekit.EgressInfo) bool {
		if info.Status != livekit.EgressStatus_EGRESS_ACTIVE {
			return false
		}
		info.Status = livekit.EgressStatus_EGRESS_ENDING
		info.Details = "End reason: StopEgress API"
		time.AfterFunc(milliseconds(e.behavior.End), e.end)
		return true
	})
	return e.snapshot(), nil
}

func (e *running) end() {
	failure := e.behavior.Fail
	if failure == "" {
		if err := upload(e.output); err != nil {
			failure = err.Error()
		}
	}
	e.update(func(info *livekit.EgressInfo) bool {
		info.Status = livekit.EgressStatus_EGRESS_COMPLETE
		if failure != "" {
			info.Status = livekit.EgressStatus_EGRESS_FAILED
			info.Error = failure
			info.ErrorCode = http.StatusInternalServerError
		}
		info.EndedAt = time.Now().UnixNano()
		return true
	})
	e.handler.Kill()
}

// UpdateEgress and UpdateStream change what this recorder does not have.
func (e *running) UpdateEgress(context.Context, *livekit.UpdateEgressRequest) (*livekit.EgressInfo, error) {
	return nil, psrpc.ErrUnimplemented
}

func (e *running) UpdateStream(context.Context, *livekit.UpdateStreamRequest) (*livekit.EgressInfo, error) {
	return nil, psrpc.ErrUnimplemented
}

// update changes what is known of an egress, and tells the server if there is something new.
func (e *running) update(change func(*livekit.EgressInfo) bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !change(e.info) {
		return
	}
	e.info.UpdatedAt = time.Now().UnixNano()
	if _, err := e.recorder.io.UpdateEgress(context.Background(), e.info); err != nil {
		log.Printf("the server did not take an update of %s: %v", e.info.EgressId, err)
	}
}

func (e *running) snapshot() *livekit.EgressInfo {
	e.mu.Lock()
	defer e.mu.Unlock()
	return proto.Clone(e.info).(*livekit.EgressInfo)
}

func (r *recorder) current() behavior {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.behavior
}

func (r *recorder) setBehavior(w http.ResponseWriter, request *http.Request) {
	var asked behavior
	if err := json.NewDecoder(request.Body).Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.behavior = asked
}

// report tells the server something about an egress that the real recorder would hardly say.
func (r *recorder) report(w http.ResponseWriter, request *http.Request) {
	said := new(livekit.EgressInfo)
	text, err := io.ReadAll(request.Body)
	if err == nil {
		err = protojson.Unmarshal(text, said)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	e := r.running[said.EgressId]
	r.mu.Unlock()
	if e == nil {
		http.NotFound(w, request)
		return
	}
	e.update(func(info *livekit.EgressInfo) bool {
		proto.Merge(info, said)
		return true
	})
}

func (r *recorder) listStopped(w http.ResponseWriter, _ *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = json.NewEncoder(w).Encode(append([]string{}, r.stopped...))
}

func milliseconds(count int) time.Duration {
	return time.Duration(count) * time.Millisecond
}
