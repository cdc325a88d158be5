# shellcheck shell=bash
# mixsweep-job.sh - what mixsweep.sbatch does: read by it, in the job.
#
# USR2, which Slurm sends some time before the limit, makes the sweep save itself and the job go
# back into the queue. What Slurm itself puts back (a preempted job, one whose first node died) goes
# on where it was. If the sweep dies, it is started again on the nodes that are left. The job
# ends with what the sweep says in DIR/exit_code: a launcher's status tells nothing.

say() { printf '%s mixsweep.sbatch: %s\n' "$(date -u +%FT%TZ)" "$*"; }

# Settings of the site, with their defaults, and the site's own.
settings() {
    MX_PROGRAM=()     # instead of the program that submitted: a container, for instance
    MX_MPIRUN=mpirun
    MX_MPIRUN_OPTIONS=(--quiet --bind-to none --enable-recovery)
    MX_SRUN=srun
    MX_SRUN_OPTIONS=(--mpi=pmix --kill-on-bad-exit=0 --no-kill)
    MX_RESTARTS=5     # starts in this allocation without a trial done in between
    MX_SILENCE_S=300  # a launcher whose sweep wrote nothing for so long is ended
    MX_LOOK_S=5       # how often the script looks
    MX_ANSWER_S=20    # a node that does not start a process in this time is lost
    [ -n "$1" ] || return 0
    # shellcheck source=/dev/null # the site's own
    . "$1" || {
        say "cannot read the site's settings, $1"
        exit 3
    }
}

pass_on() {
    [ -z "${sweep:-}" ] || kill -USR2 "$sweep" 2>/dev/null
}

# How often this job has started the sweep before, by our own count.
starts_before() {
    local count
    count=$(grep -c -e "^$job\." -- "$dir/log/job_starts" 2>/dev/null)
    echo "${count:-0}"
}

# Changes whenever the sweep writes its status.
status_mark() { stat -c %Y.%s -- "$dir/status.json" 2>/dev/null; }

done_trials() { sed -n 's/.*"done":\([0-9]*\),"failed".*/\1/p' -- "$dir/status.json" 2>/dev/null; }

# The nodes of the job that start a process; all of them where that cannot be told.
living_nodes() {
    local node nodes answers asking=()
    nodes=$(scontrol show hostnames "${SLURM_JOB_NODELIST:-}" 2>/dev/null) || return
    answers=$(mktemp -d) || return
    for node in $nodes; do
        timeout "$MX_ANSWER_S" srun --overlap --mpi=none --nodes=1 --ntasks=1 --cpus-per-task=1 \
            --nodelist="$node" true </dev/null >/dev/null 2>&1 && : >"$answers/$node" &
        asking+=($!)
    done
    wait "${asking[@]}"
    for node in $nodes; do [ ! -e "$answers/$node" ] || echo "$node"; done
    rm -rf -- "$answers"
}

# start NODES PROGRAM ARGUMENTS...: NODES, one a line, or "" for all of the job.
start() {
    local nodes=$1 each=${SLURM_NTASKS_PER_NODE:-1} count list
    shift
    count=$(wc -w <<<"$nodes")
    list=${nodes//$'\n'/:$each,}:$each
    case $launcher in
    none) "$@" & ;;
    mpirun)
        [ -z "$nodes" ] || set -- --host "$list" -n $((count * each)) "$@"
        "$MX_MPIRUN" "${MX_MPIRUN_OPTIONS[@]}" "$@" &
        ;;
    srun)
        [ -z "$nodes" ] || set -- --nodes="$count" --ntasks=$((count * each)) \
            --nodelist="$(paste -sd , <<<"$nodes")" "$@"
        "$MX_SRUN" "${MX_SRUN_OPTIONS[@]}" "$@" &
        ;;
    *)
        say "no launcher '$launcher': give mpirun, srun or none"
        exit 2
        ;;
    esac
    sweep=$!
}

# End a launcher that does not end by itself: after the sweep has ended, or died without it
# noticing.
end_if_silent() {
    local seen
    seen=$(status_mark)
    if [ "$seen" != "$last" ]; then
        last=$seen changed=$SECONDS
    fi
    if [ -e "$dir/exit_code" ]; then
        [ -n "$ended" ] || ended=$SECONDS
        [ $((SECONDS - ended)) -le 60 ] || kill -KILL "$sweep"
    elif [ "$last" != "$before" ] && [ $((SECONDS - changed)) -gt "$MX_SILENCE_S" ]; then
        say "the sweep has written nothing for $MX_SILENCE_S s: ending $launcher"
        kill -KILL "$sweep"
    fi
}

# Wait for the launcher; its status is in $status.
watch_over() {
    local nap='' changed=$SECONDS last='' ended=''
    while kill -0 "$sweep" 2>/dev/null; do
        if [ -z "$nap" ] || ! kill -0 "$nap" 2>/dev/null; then
            [ -z "$told" ] || pass_on # once more: the first may have come before it could listen
            # Until the start is noted the sweep is looked at often: a node may die soon.
            sleep "$([ -n "$unnoted" ] && echo 0.2 || echo "$MX_LOOK_S")" &
            nap=$!
        fi
        wait -n "$sweep" "$nap" 2>/dev/null
        if [ -n "$unnoted" ] && [ -d "$dir/log" ]; then
            echo "$run $(date -u +%FT%TZ) ${SLURM_JOB_NODELIST:-$(hostname)}" >>"$dir/log/job_starts"
            unnoted=''
        fi
        end_if_silent
    done
    wait "$sweep" 2>/dev/null
    status=$?
    [ -z "$nap" ] || kill "$nap" 2>/dev/null
}

# Whether the job's time is nearly over, where Slurm tells (23.02 and newer).
time_is_over() {
    [ -n "${SLURM_JOB_END_TIME:-}" ] && [ "$(date +%s)" -ge $((SLURM_JOB_END_TIME - 240)) ]
}

# Back into the queue, if it can be done from here; this ends the job.
requeue() {
    say "the time is over: the job goes back into the queue"
    if ! command -v scontrol >/dev/null; then
        say "there is no scontrol on this node"
    elif scontrol requeue "$job"; then
        sleep 120
    fi
    say "this job was not put back into the queue; submit it again with the same line to go on"
    exit 75
}

# Start the sweep once and wait for its end; $code is what it says, "" if it died.
run_once() {
    rm -f -- "$dir/exit_code"
    before=$(status_mark)
    run=$job.$(starts_before)
    unnoted=yes
    export MIXSWEEP_RUN_ID=$run
    local on=${nodes:-${SLURM_JOB_NODELIST:-this host}}
    say "run $run (SLURM_RESTART_COUNT ${SLURM_RESTART_COUNT:-0}) on ${on//$'\n'/ }"
    start "$nodes" "$@"
    watch_over
    code=$(cat -- "$dir/exit_code" 2>/dev/null)
    if [ "$(status_mark)" != "$before" ]; then begun=yes; fi
}

# Whether the end of a run asks for the queue: a warning of Slurm, or its clock.
wants_requeue() {
    case $code in
    75) [ -n "$warned" ] || { [ -z "$told" ] && time_is_over; } ;;
    '') [ -n "$warned" ] ;;
    *) false ;;
    esac
}

# End the job after a run, unless the sweep died and is to be started again.
end_or_go_on() {
    if wants_requeue; then requeue; fi
    if [ -z "$code" ] && [ -n "$told" ]; then code=75; fi
    if [ -n "$code" ]; then
        say "the sweep ended with $code"
        exit "$code"
    fi
    if [ -z "$begun" ]; then
        [ "$status" -gt 0 ] && [ "$status" -lt 128 ] || status=3
        say "the sweep did not begin; the lines above say why"
        exit "$status"
    fi
    if [ "$(done_trials)" != "$before_done" ]; then
        before_done=$(done_trials) restarts=0
    fi
    restarts=$((restarts + 1))
    if [ "$restarts" -gt "$MX_RESTARTS" ]; then
        say "the sweep died $restarts times without a trial done in between: giving up"
        exit 3
    fi
}

# run_job DIR SITE LAUNCHER PROGRAM ARGUMENTS...: the job, to its end.
run_job() {
    dir=$1 launcher=$3
    settings "$2"
    shift 3
    if [ ${#MX_PROGRAM[@]} -gt 0 ]; then
        shift
        set -- "${MX_PROGRAM[@]}" "$@"
    fi
    if [ "$launcher" = once ]; then # a job that follows the sweep's
        exec "$@"
    fi
    job=${SLURM_JOB_ID:-0} # no job: tried out by hand
    warned='' told=''
    # Slurm's warning; TERM (scancel, preemption) is passed on in the same way, since a sweep saves
    # itself at either, but such a job is not ours to put back into the queue.
    trap 'warned=yes told=yes; pass_on' USR2
    trap 'told=yes; pass_on' TERM
    begun='' nodes='' restarts=0 before_done=''
    while :; do
        run_once "$@"
        end_or_go_on
        if [ "$launcher" != none ]; then nodes=$(living_nodes); fi
        say "the sweep died; starting it again"
    done
}
