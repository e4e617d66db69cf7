# @TEST-DOC: An answer over UDP that is no part of the flow of its request, and reaches another worker.
#
# @TEST-PORT: MANAGER_PORT
# @TEST-PORT: PROXY_PORT
# @TEST-PORT: WORKER_1_PORT
# @TEST-PORT: WORKER_2_PORT
# @TEST-EXEC: ${SCRIPTS}/cluster ${PCAPS}/slmp-3e-remote-stop-udp.pcap "src host 192.168.3.18" "src host 192.168.3.250" %INPUT
# @TEST-EXEC: ${SCRIPTS}/same-logs melsec melsec_engineering melsec_assets notice files weird > same && btest-diff same
