# @TEST-DOC: A client that asks many controllers who they are, some by way of one worker and some of the other.
#
# @TEST-PORT: MANAGER_PORT
# @TEST-PORT: PROXY_PORT
# @TEST-PORT: WORKER_1_PORT
# @TEST-PORT: WORKER_2_PORT
# @TEST-EXEC: ${SCRIPTS}/cluster ${PCAPS}/slmp-discovery-sweep.pcap "tcp[0:2] + tcp[2:2] & 1 = 0" "tcp[0:2] + tcp[2:2] & 1 = 1" %INPUT
# @TEST-EXEC: ${SCRIPTS}/same-logs melsec melsec_engineering melsec_assets notice files weird > same && btest-diff same
