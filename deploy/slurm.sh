#!/usr/bin/env bash
# One training on a Slurm cluster: Ray's head on the first machine of the job, a node of it on each other.
#   sbatch --nodes=4 --ntasks-per-node=1 --cpus-per-task=8 deploy/slurm.sh rnnapps train sentiment --data lake \
#     --output models/lake --workers 16 --cores-per-worker 2
# Behind the script stands the command; `--cluster` is added to it. A job that Slurm requeues goes on where it was.
set -euo pipefail
export RAY_AUTH_MODE=${RAY_AUTH_MODE:-token}
if [[ $RAY_AUTH_MODE == token ]]; then
  # in the home folder, which all machines see; one that is there is kept, and a Ray without tokens wants none
  ray get-auth-token --generate >/dev/null 2>&1 || true
fi
port=${PORT:-6379}
cores=${SLURM_CPUS_PER_TASK:-1}
mapfile -t machines < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
head=$(srun --nodes=1 --ntasks=1 --nodelist="${machines[0]}" hostname --ip-address | awk '{print $1}')

srun --nodes=1 --ntasks=1 --cpus-per-task="$cores" --nodelist="${machines[0]}" \
  ray start --head --node-ip-address="$head" --port="$port" --num-cpus="$cores" --block &
for _ in {1..60}; do
  if ray status --address="$head:$port" >/dev/null 2>&1; then break; fi
  sleep 2
done
for machine in "${machines[@]:1}"; do
  srun --nodes=1 --ntasks=1 --cpus-per-task="$cores" --nodelist="$machine" \
    ray start --address="$head:$port" --num-cpus="$cores" --block &
done

# it waits for the machines that are still coming
"$@" --cluster "$head:$port"
