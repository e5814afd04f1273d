#include "status.h"

const char *sp_status_name(sp_status s) {
  switch (s) {
    case SP_OK: return "ok";
    case SP_ENOMEM: return "enomem";
    case SP_EINTERRUPT: return "einterrupt";
    case SP_ENONFINITE: return "enonfinite";
    case SP_ECORRUPT: return "ecorrupt";
    case SP_EUNSUPPORTED: return "eunsupported";
    case SP_EHOST: return "ehost";
    case SP_EDOMAIN: return "edomain";
    case SP_ESEPARATION: return "eseparation";
    case SP_EARG: return "earg";
  }
  return "unknown";
}
