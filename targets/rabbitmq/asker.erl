%% A hidden Erlang node that asks the nodes of a RabbitMQ cluster about themselves.
%%
%% It reads requests from standard input, a line each, fields separated by tabs:
%%     ID  TIMEOUT(ms)  NODE  QUESTION  ARGUMENT...
%% and answers each with one line of JSON, in any order: {"id":ID,"ok":...} or {"id":ID,"error":"..."}.
%% It ends with its standard input. It loads no code into the nodes that it asks.
-module(asker).
-export([start/0]).

%% What the asked node evaluates, so that a question is one call to it; Name, Left (ms) are bound. Mirrors are gone from 4.0 on.
%% Older versions of ra have no key metrics: the member's process is asked for its state, as rabbitmq-queues does.
-define(LOOK, "
    case rabbit_amqqueue:lookup(rabbit_misc:r(<<\"/\">>, queue, Name)) of
        {ok, Q} ->
            Pid = amqqueue:get_pid(Q),
            case lists:member(amqqueue:get_type(Q), [quorum, rabbit_quorum_queue]) of
                true ->
                    Raft = element(1, Pid),
                    Member = case erlang:function_exported(ra, key_metrics, 1) of
                        true ->
                            ra:key_metrics({Raft, node()});
                        false ->
                            try
                                {status, _, _, Parts} = sys:get_status(Raft, Left),
                                Sys = lists:nth(5, Parts),
                                #{current_term := Term, last_applied := Applied, log := #{last_index := Last}} =
                                    proplists:get_value(ra_server_state, Sys),
                                #{state => proplists:get_value(raft_state, Sys), term => Term, last_index => Last, last_applied => Applied}
                            catch
                                exit:{noproc, _} -> #{state => noproc}
                            end
                    end,
                    {quorum, Pid, maps:get(nodes, amqqueue:get_type_state(Q)), Member};
                false ->
                    {classic, Pid,
                     try amqqueue:get_slave_pids(Q) catch error:undef -> [] end,
                     try amqqueue:get_sync_slave_pids(Q) catch error:undef -> [] end}
            end;
        Other ->
            Other
    end.").

%% A consistent query is answered after a majority has confirmed that its leader leads.
-define(DEPTH, "
    case rabbit_amqqueue:lookup(rabbit_misc:r(<<\"/\">>, queue, Name)) of
        {ok, Q} ->
            Pid = amqqueue:get_pid(Q),
            case lists:member(amqqueue:get_type(Q), [quorum, rabbit_quorum_queue]) of
                true -> {quorum, element(2, Pid), ra:consistent_query(Pid, fun rabbit_fifo:overview/1, Left)};
                false -> {classic, Pid, rabbit_amqqueue:info(Q, [messages_ready, messages_unacknowledged, state])}
            end;
        Other ->
            Other
    end.").

start() ->
    %% The node is started with -noinput, so nobody else reads descriptor 0.
    loop(open_port({fd, 0, 1}, [binary, stream, eof]), <<>>).

loop(Port, Rest) ->
    receive
        {Port, {data, Data}} ->
            [Last | Lines] = lists:reverse(binary:split(<<Rest/binary, Data/binary>>, <<"\n">>, [global])),
            [ask_aside(Line) || Line <- lists:reverse(Lines)],
            loop(Port, Last);
        {Port, eof} ->
            halt(0);
        {say, Line} ->
            port_command(Port, [Line, $\n]),
            loop(Port, Rest)
    end.

%% Each question has a process of its own, so that a node which does not answer delays nobody else's.
ask_aside(Line) ->
    Main = self(),
    [Id, Timeout | Request] = binary:split(Line, <<"\t">>, [global]),
    spawn(fun() -> Main ! {say, answer(Id, binary_to_integer(Timeout), Request)} end).

answer(Id, Timeout, [Node | Question]) ->
    Deadline = erlang:monotonic_time(millisecond) + Timeout,
    put(node, binary_to_atom(Node, latin1)),
    put(deadline, Deadline),
    Result = try {<<"ok">>, ask(Question)}
             catch
                 throw:Why -> {<<"error">>, text(Why)};
                 Class:Why:Stack -> {<<"error">>, text({Class, Why, Stack})}
             end,
    json(#{<<"id">> => binary_to_integer(Id), element(1, Result) => element(2, Result)}).

%% --- questions -------------------------------------------------------------------------------------------------------

%% What a node says of itself. Whom it believes to run is read from its own tables: rabbit_nodes asks all of them first in
%% later versions, and takes seconds for each that is cut off.
ask([<<"health">>]) ->
    Serving = call(rabbit, is_running, []),
    Partitions = if Serving -> partitions(); true -> [] end,
    #{version => bin(call(rabbit_misc, version, [])),
      serving => Serving,
      booting => call(rabbit, is_booting, []),
      running => [bin(N) || Serving, N <- running()],
      partitions => [bin(N) || is_list(Partitions), N <- Partitions],
      unsure => Partitions =:= busy,
      alarms => [text(A) || Serving, A <- call(rabbit_alarm, get_alarms, [])]};

%% What a node knows of a queue.
ask([<<"queue">>, Name]) ->
    case evaluate(?LOOK, Name) of
        {quorum, {_, Leader}, Nodes, Member} ->
            Members = if is_map(Nodes) -> maps:keys(Nodes); true -> Nodes end,
            #{kind => quorum, leader => bin(Leader), members => [bin(N) || N <- Members],
              role => bin(maps:get(state, Member)), term => maps:get(term, Member, 0),
              last => maps:get(last_index, Member, 0), applied => maps:get(last_applied, Member, 0)};
        {classic, Pid, Mirrors, Synced} ->
            #{kind => classic, leader => bin(node(Pid)), process => text(Pid),
              alive => rpc:call(node(Pid), erlang, is_process_alive, [Pid], left()) =:= true,
              mirrors => nodes_of(Mirrors), synchronised => nodes_of(Synced)}
    end;

%% What is left to deliver, from whoever leads the queue.
ask([<<"depth">>, Name]) ->
    case evaluate(?DEPTH, Name) of
        {quorum, _, {ok, #{num_ready_messages := Ready, num_checked_out := Out}, {_, From}}} ->
            #{ready => Ready, unacked => Out, from => bin(From)};
        {quorum, Leader, Other} ->
            throw({no_depth, Leader, Other});
        {classic, Pid, Info} ->
            case proplists:get_value(state, Info) of
                running -> ok;
                State -> throw({queue_is, State})
            end,
            #{ready => proplists:get_value(messages_ready, Info),
              unacked => proplists:get_value(messages_unacknowledged, Info),
              from => bin(node(Pid))}
    end;

%% Asks that the queue be led by a node. The answer says what the broker said, which may be too early.
ask([<<"move">>, Name, To]) ->
    Q = lookup(Name),
    Node = binary_to_atom(To, latin1),
    case is_quorum(Q) of
        true ->
            {Raft, _} = Id = call(amqqueue, get_pid, [Q]),
            text(call(ra, transfer_leadership, [Id, {Raft, Node}]));
        false ->
            text(call(rabbit_mirror_queue_misc, transfer_leadership, [Q, Node]))
    end;

ask([<<"set policy">>, Name, Pattern, Definition]) ->
    case call(rabbit_policy, parse_set, [<<"/">>, Name, Pattern, Definition, 0, <<"queues">>, <<"waybill">>]) of
        ok -> true;
        Other -> throw(Other)
    end;
ask([<<"clear policy">>, Name]) ->
    _ = call(rabbit_policy, delete, [<<"/">>, Name, <<"waybill">>]),
    true;

%% What limits a queue, as declared and as set by policies.
ask([<<"policies">>, Name]) ->
    Q = lookup(Name),
    Policy = or_none(call(rabbit_policy, effective_definition, [Q])),
    #{type => bin(call(amqqueue, get_type, [Q])),
      durable => call(amqqueue, is_durable, [Q]),
      auto_delete => call(amqqueue, is_auto_delete, [Q]),
      policy => text(call(rabbit_policy, name, [Q])),
      operator_policy => text(call(rabbit_policy, name_op, [Q])),
      arguments => maps:from_list([{K, text(V)} || {K, _, V} <- call(amqqueue, get_arguments, [Q])]),
      definition => maps:from_list([{bin(K), text(V)} || {K, V} <- Policy])};

%% Writes to disk which quorum queues a node has members of. Older versions of ra do so
%% half a second after the last change.
ask([<<"save members">>]) ->
    Names = ra_directory_reverse,
    case call(dets, info, [Names, type]) of
        undefined -> true;
        _ -> call(dets, sync, [Names]) =:= ok orelse throw(not_saved)
    end;

%% The effective settings of one application, which is known to the node.
ask([<<"environment">>, App]) ->
    Settings = call(application, get_all_env, [binary_to_atom(App, latin1)]),
    maps:from_list([{bin(K), text(V)} || {K, V} <- Settings]);
ask([<<"system">>]) ->
    #{erlang => bin(call(erlang, system_info, [otp_release])),
      erts => bin(call(erlang, system_info, [version])),
      schedulers => call(erlang, system_info, [schedulers]),
      net_ticktime => text(call(net_kernel, get_net_ticktime, []))};

%% Restarts the broker and leaves its Erlang node up: what an operator does on the losing side of a partition.
ask([<<"stop app">>]) -> text(call(rabbit, stop, []));
ask([<<"start app">>]) -> text(call(rabbit, start, []));

ask(Other) -> throw({no_such_question, Other}).

%% From 3.12 on the process that knows is busy with reaching the others for as long as it is cut off from them.
partitions() ->
    case rpc:call(get(node), gen_server, call, [rabbit_node_monitor, partitions, 500], left()) of
        Nodes when is_list(Nodes) -> Nodes;
        {badrpc, {'EXIT', {timeout, _}}} -> busy;
        {badrpc, Why} -> throw(Why)
    end.

%% With Khepri, from 4.0 on, Mnesia may not run: then those that the node is connected to.
running() ->
    case call(mnesia, system_info, [is_running]) of
        yes -> call(mnesia, system_info, [running_db_nodes]);
        _ -> [get(node) | call(erlang, nodes, [])]
    end.

%% What stands for no mirrors is a list, or an atom.
nodes_of(Pids) when is_list(Pids) -> [bin(node(P)) || P <- Pids];
nodes_of(_) -> [].

lookup(Name) ->
    Resource = call(rabbit_misc, r, [<<"/">>, queue, Name]),
    case call(rabbit_amqqueue, lookup, [Resource]) of
        {ok, Q} -> Q;
        {error, not_found} -> throw(not_found);
        Other -> throw(Other)
    end.

%% 3.8.0 says quorum, later versions name the module.
is_quorum(Q) -> lists:member(call(amqqueue, get_type, [Q]), [quorum, rabbit_quorum_queue]).

or_none(L) when is_list(L) -> L;
or_none(_) -> [].

%% --- calls -----------------------------------------------------------------------------------------------------------

%% Has the asked node evaluate an expression. The text is parsed here, and interpreted there.
evaluate(Text, Name) ->
    {ok, Tokens, _} = erl_scan:string(Text),
    {ok, Expressions} = erl_parse:parse_exprs(Tokens),
    case call(erl_eval, exprs, [Expressions, #{'Name' => Name, 'Left' => left()}]) of
        {value, {error, not_found}, _} -> throw(not_found);
        {value, {error, _} = Other, _} -> throw(Other);
        {value, Value, _} -> Value
    end.

call(M, F, A) ->
    case rpc:call(get(node), M, F, A, left()) of
        {badrpc, nodedown} -> throw(nodedown);
        {badrpc, timeout} -> throw(timeout);
        {badrpc, _} = Bad -> throw(Bad);
        Result -> Result
    end.

left() -> max(1, get(deadline) - erlang:monotonic_time(millisecond)).

%% --- JSON ------------------------------------------------------------------------------------------------------------

bin(B) when is_binary(B) -> B;
bin(A) when is_atom(A) -> atom_to_binary(A, utf8);
bin(S) when is_list(S) -> try unicode:characters_to_binary(S) of B when is_binary(B) -> B; _ -> text(S) catch _:_ -> text(S) end;
bin(T) -> text(T).

text(B) when is_binary(B) -> B;
text(A) when is_atom(A) -> atom_to_binary(A, utf8);
text(T) -> unicode:characters_to_binary(io_lib:format("~0tp", [T])).

json(M) when is_map(M) ->
    [${, lists:join($,, [[string(bin(K)), $:, json(V)] || {K, V} <- maps:to_list(M)]), $}];
json(L) when is_list(L) -> [$[, lists:join($,, [json(V) || V <- L]), $]];
json(true) -> "true";
json(false) -> "false";
json(I) when is_integer(I) -> integer_to_list(I);
json(A) when is_atom(A) -> string(atom_to_binary(A, utf8));
json(B) when is_binary(B) -> string(B).

%% Everything but printable ASCII is escaped, by UTF-16 units: a line of output is one line whatever was said.
string(B) ->
    Units = case unicode:characters_to_binary(B, utf8, {utf16, big}) of
                U when is_binary(U) -> U;
                _ -> unicode:characters_to_binary(B, latin1, {utf16, big})
            end,
    [$", [escape(C) || <<C:16>> <= Units], $"].

escape($") -> "\\\"";
escape($\\) -> "\\\\";
escape(C) when C >= 32, C < 127 -> C;
escape(C) -> io_lib:format("\\u~4.16.0b", [C]).
