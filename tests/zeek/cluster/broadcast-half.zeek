# @TEST-DOC: Responses of which no worker sees the requests, and more of them than may wait.
#
# @TEST-PORT: MANAGER_PORT
# @TEST-PORT: PROXY_PORT
# @TEST-PORT: WORKER_1_PORT
# @TEST-PORT: WORKER_2_PORT
# @TEST-EXEC: ${SCRIPTS}/cluster ${PCAPS}/melsoft-udp-session.pcap "src host 192.168.3.250" "tcp" %INPUT
# @TEST-EXEC: ${SCRIPTS}/same-logs melsec melsec_engineering melsec_assets notice files > same && btest-diff same
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="name addl source" manager/weird.log > weird.cut && btest-diff weird.cut

redef MELSEC::max_broadcast_requests = 2;
