# @TEST-DOC: The same where some exchanges have both halves on one worker: it leaves their files alone.
#
# @TEST-PORT: MANAGER_PORT
# @TEST-PORT: PROXY_PORT
# @TEST-PORT: WORKER_1_PORT
# @TEST-PORT: WORKER_2_PORT
# @TEST-EXEC: ${SCRIPTS}/cluster ${PCAPS}/melsoft-udp-program-download.pcap "(src host 192.168.3.18 and udp[0:2] & 1 = 0) or (src host 192.168.3.250 and udp[2:2] & 2 = 0)" "(src host 192.168.3.18 and udp[0:2] & 1 = 1) or (src host 192.168.3.250 and udp[2:2] & 2 = 2)" %INPUT
# @TEST-EXEC: ${SCRIPTS}/same-logs melsec melsec_engineering melsec_assets notice files weird > same && btest-diff same
