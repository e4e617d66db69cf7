# @TEST-DOC: A sweep through the devices of which each worker sees a part.
#
# @TEST-PORT: MANAGER_PORT
# @TEST-PORT: PROXY_PORT
# @TEST-PORT: WORKER_1_PORT
# @TEST-PORT: WORKER_2_PORT
# @TEST-EXEC: ${SCRIPTS}/cluster ${PCAPS}/slmp-device-sweep.pcap "ip[4:2] <= 17" "ip[4:2] > 17" %INPUT
# @TEST-EXEC: ${SCRIPTS}/same-logs melsec melsec_engineering notice > same && btest-diff same
