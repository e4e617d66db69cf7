# @TEST-DOC: Device memory overwritten, part by way of one worker and part of the other.
#
# @TEST-PORT: MANAGER_PORT
# @TEST-PORT: PROXY_PORT
# @TEST-PORT: WORKER_1_PORT
# @TEST-PORT: WORKER_2_PORT
# @TEST-EXEC: ${SCRIPTS}/cluster ${PCAPS}/slmp-bulk-write.pcap "ip[4:2] <= 9" "ip[4:2] > 9" %INPUT
# @TEST-EXEC: ${SCRIPTS}/same-logs melsec melsec_engineering notice > same && btest-diff same
